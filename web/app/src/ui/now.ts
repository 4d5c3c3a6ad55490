// The present, by the server's clock, as React sees it.

import { useEffect, useState } from "react";
import { serverNow } from "../api/send";

/** Now, told anew at each whole multiple of `every` ms: the seconds of all timers change together. */
export function useNow(every: number): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const tick = () => {
      setNow(serverNow());
      timer = setTimeout(tick, every - (serverNow() % every) + 5);
    };
    tick();
    return () => clearTimeout(timer);
  }, [every]);
  return now;
}

// The account's time zone. Until it is read it is taken to be what it was before,
// so that no day changes under the eyes of who looks at it.

import { useEffect } from "react";
import { useMe } from "./queries";

const STORE = "timetrackr.zone";
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function remembered(): string | null {
  try {
    return localStorage.getItem(STORE);
  } catch {
    return null;
  }
}

export function useZone(): string {
  const zone = useMe().data?.timezone;
  useEffect(() => {
    try {
      if (zone !== undefined) localStorage.setItem(STORE, zone);
    } catch {
      // then it is the browser's the next time
    }
  }, [zone]);
  return zone ?? remembered() ?? HERE;
}

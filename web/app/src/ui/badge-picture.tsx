// The picture of a badge: its own where the page may show it, that of the
// catalogue by its name, else a medal in the colour of its tier.

import { useState } from "react";
import type { Tier } from "../api/types";
import { isShown } from "../lib/picture";
import { Icon } from "./icons";

const FILES = import.meta.glob<string>("../../../badges/*.svg", { eager: true, query: "?url", import: "default" });
const BY_NAME = new Map(Object.entries(FILES).map(([path, url]) => [path.replace(/^.*\/|\.svg$/g, ""), url]));

function slugOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}

export function BadgePicture({ name, tier, url, size = 56, dimmed = false }: { name: string; tier: Tier; url: string | null; size?: number; dimmed?: boolean }) {
  const [broken, setBroken] = useState<string | null>(null);
  const own = url && isShown(url) && broken !== url ? url : BY_NAME.get(slugOf(name));
  const look = dimmed ? "badge-picture badge-dimmed" : "badge-picture";
  if (own) return <img className={look} src={own} alt="" width={size} height={size} onError={() => setBroken(own)} />;
  return (
    <span className={`${look} medal medal-${tier}`} style={{ width: size, height: size }} aria-hidden="true">
      <Icon name="badges" size={Math.round(size * 0.5)} />
    </span>
  );
}

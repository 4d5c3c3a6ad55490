// Line icons, drawn on a grid of 24. They say nothing to screen readers: what
// they stand on has a name.

const PATHS = {
  today: "M12 7v5l3.5 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
  projects: "M3 7.5A1.5 1.5 0 0 1 4.5 6h4l2 2.5h9A1.5 1.5 0 0 1 21 10v8a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 18Z",
  activity: "M4 20V11M9.33 20V5M14.67 20v-7M20 20V8",
  badges: "M12 3a6 6 0 1 0 0 12 6 6 0 0 0 0-12ZM8.5 14 7 21l5-2.5L17 21l-1.5-7",
  timeline: "M5 5v14M5 6h.01M5 12h.01M5 18h.01M10 6h10M10 12h7M10 18h10",
  board: "M4 20v-7h4.5v7M9.75 20V6h4.5v14M15.5 20v-9.5H20V20M3 20h18",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20.5a7.5 7.5 0 0 1 15 0",
  bell: "M6 10a6 6 0 1 1 12 0c0 5 2 6.5 2 6.5H4S6 15 6 10ZM10 20a2.2 2.2 0 0 0 4 0",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  admin: "M12 3l7.5 3v5.5c0 4.6-3.2 8-7.5 9.5-4.3-1.5-7.5-4.9-7.5-9.5V6ZM9 12l2.2 2.2L15.2 10",
  calendar: "M4.500 6.500h15v13h-15ZM4.500 10.500h15M8.500 4v4M15.500 4v4",
  play: "M8 5.5v13l10.5-6.5Z",
  stop: "M7 7h10v10H7Z",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  pencil: "M4 20l1-4L16.5 4.5a1.8 1.8 0 0 1 2.6 0l.4.4a1.8 1.8 0 0 1 0 2.6L8 19Z",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 13h8.4L17 7M10.5 11v5.5M13.5 11v5.5",
  globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3.5 12h17M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18",
  lock: "M6.5 11h11a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1ZM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  archive: "M4 5h16v4H4ZM5.5 9v10h13V9M10 13h4",
  left: "M14.5 6 8.5 12l6 6",
  right: "M9.5 6l6 6-6 6",
  more: "M4.500 12h1M11.500 12h1M18.500 12h1",
  flame: "M12 3c.5 4 5.5 5.5 5.5 11a5.5 5.5 0 0 1-11 0c0-2.5 1.5-4 2.5-5 .3 1.7 1 2.5 2 3C11.5 9 10.500 6 12 3Z",
  leave: "M10 4.500H5.500a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1H10M15 8l4 4-4 4M19 12H9.500",
  download: "M12 4v11M7.500 11l4.500 4.500L16.500 11M5 20h14",
  upload: "M12 16V5M7.500 9.500 12 5l4.500 4.500M5 20h14",
  warning: "M12 4 2.800 19.500h18.400ZM12 10v4.500M12 17h.01",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13ZM15.500 15.500 20 20",
  keyboard: "M3.500 7h17v10h-17ZM7 10.500h.01M10.330 10.500h.01M13.660 10.500h.01M17 10.500h.01M8 13.800h8",
} as const;

export type IconName = keyof typeof PATHS;

const SOLID: IconName[] = ["play", "stop"];

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg className={SOLID.includes(name) ? "icon icon-solid" : "icon"} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

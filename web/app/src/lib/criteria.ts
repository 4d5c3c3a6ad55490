// Criteria of badges as a tree to edit and as words to read. What is valid is
// the server's to say: it names the path of a fault, such as $.all[1].gte.

export const METRICS = {
  total_seconds: { label: "Time in all", unit: "hours" },
  project_seconds: { label: "Time on one project", unit: "hours" },
  entry_count: { label: "Entries finished", unit: "entries" },
  longest_entry_seconds: { label: "Longest entry", unit: "hours" },
  best_day_seconds: { label: "Best day", unit: "hours" },
  best_week_seconds: { label: "Best week", unit: "hours" },
  current_streak_days: { label: "Current streak", unit: "days" },
  longest_streak_days: { label: "Longest streak", unit: "days" },
  active_days: { label: "Days with time", unit: "days" },
  projects_created: { label: "Projects created", unit: "projects" },
  projects_contributed: { label: "Projects worked on", unit: "projects" },
  badges_earned: { label: "Badges earned", unit: "badges" },
  account_age_days: { label: "Days since joining", unit: "days" },
} as const;

export type Metric = keyof typeof METRICS;

export const COMPARISONS = { gte: "at least", gt: "more than", lte: "at most", lt: "less than", eq: "exactly" } as const;

export type Comparison = keyof typeof COMPARISONS;

export const WINDOWED: Metric[] = ["total_seconds", "entry_count", "active_days", "project_seconds"];

export type Node =
  | { kind: "all" | "any"; of: Node[] }
  | { kind: "not"; of: Node }
  | { kind: "condition"; metric: Metric; compare: Comparison; number: number; projectId?: number; lastDays?: number };

export type Path = (string | number)[];

/** The tree of what the server keeps; null when it is none of ours. */
export function parse(json: unknown): Node | null {
  if (typeof json !== "object" || json === null) return null;
  const node = json as Record<string, unknown>;
  for (const kind of ["all", "any"] as const) {
    if (!Array.isArray(node[kind])) continue;
    const of = node[kind].map(parse);
    return of.includes(null) ? null : { kind, of: of as Node[] };
  }
  if ("not" in node) {
    const of = parse(node.not);
    return of && { kind: "not", of };
  }
  const compare = (Object.keys(COMPARISONS) as Comparison[]).find((name) => typeof node[name] === "number");
  if (compare === undefined || typeof node.metric !== "string" || !(node.metric in METRICS)) return null;
  const condition: Node = { kind: "condition", metric: node.metric as Metric, compare, number: node[compare] as number };
  if (typeof node.project_id === "number") condition.projectId = node.project_id;
  if (typeof node.last_days === "number") condition.lastDays = node.last_days;
  return condition;
}

/** What the server is sent. */
export function toJson(node: Node): Record<string, unknown> {
  if (node.kind === "not") return { not: toJson(node.of) };
  if (node.kind !== "condition") return { [node.kind]: node.of.map(toJson) };
  const json: Record<string, unknown> = { metric: node.metric, [node.compare]: node.number };
  if (node.projectId !== undefined && node.metric === "project_seconds") json.project_id = node.projectId;
  if (node.lastDays !== undefined && WINDOWED.includes(node.metric)) json.last_days = node.lastDays;
  return json;
}

/** $.all[1].not → ["all", 1, "not"] */
export function parsePath(path: string): Path {
  return [...path.matchAll(/\.([a-z_]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
}

/** A copy with the node at a path replaced; null takes it out of its list. */
export function replaceAt(node: Node, path: Path, by: Node | null): Node {
  const [step, ...rest] = path;
  if (step === undefined) return by ?? node;
  if (node.kind === "not") return { kind: "not", of: replaceAt(node.of, rest, by) };
  if (node.kind === "condition") return node;
  const index = rest[0];
  if (typeof index !== "number") return node;
  const deeper = rest.slice(1);
  if (deeper.length === 0 && by === null) return { ...node, of: node.of.filter((_, at) => at !== index) };
  return { ...node, of: node.of.map((child, at) => (at === index ? replaceAt(child, deeper, by) : child)) };
}

/** The path of a child, as the server writes it. */
export function childPath(node: Node, path: Path, index: number): Path {
  return node.kind === "not" ? [...path, "not"] : [...path, node.kind, index];
}

export function isSeconds(metric: Metric): boolean {
  return METRICS[metric].unit === "hours";
}

/** A number as the editor shows it: seconds as hours. */
export function shown(metric: Metric, number: number): number {
  return isSeconds(metric) ? Math.round((number / 3600) * 10000) / 10000 : number;
}

/** "1 day", "20 entries" */
export function counted(count: number, unit: string): string {
  return `${count.toLocaleString("en")} ${count === 1 ? unit.replace(/ies$/, "y").replace(/s$/, "") : unit}`;
}

export function kept(metric: Metric, number: number): number {
  return isSeconds(metric) ? Math.round(number * 3600) : number;
}

/** "Time in all at least 10 hours, and not best day more than 10 hours" */
export function inWords(node: Node): string {
  if (node.kind === "not") return `not (${inWords(node.of)})`;
  if (node.kind !== "condition") return node.of.map((child) => (child.kind === "condition" || child.kind === "not" ? inWords(child) : `(${inWords(child)})`)).join(node.kind === "all" ? ", and " : ", or ");
  const { label, unit } = METRICS[node.metric];
  const project = node.projectId === undefined ? "" : ` (project ${node.projectId})`;
  const window = node.lastDays === undefined ? "" : ` in the last ${node.lastDays} days`;
  return `${label.toLowerCase()}${project}${window} ${COMPARISONS[node.compare]} ${counted(shown(node.metric, node.number), unit)}`;
}

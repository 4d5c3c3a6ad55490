// Criteria of a badge as a tree of boxes: groups of conditions, which can be
// nested, negated and taken out.

import { COMPARISONS, childPath, inWords, isSeconds, kept, METRICS, replaceAt, shown, WINDOWED, type Comparison, type Metric, type Node, type Path } from "../lib/criteria";
import { Button, Field, IconButton, Select } from "./basics";

const FRESH: Node = { kind: "condition", metric: "total_seconds", compare: "gte", number: 36000 };

interface NodeProps {
  node: Node;
  path: Path;
  /** Where the server found a fault. */
  fault: string | null;
  change: (path: Path, by: Node | null) => void;
  removable: boolean;
}

/** Wrapping a node into a group, or negating it. */
function Wrap({ node, path, change, removable }: Omit<NodeProps, "fault">) {
  return (
    <div className="criteria-acts">
      {node.kind !== "not" && (
        <Button small look="quiet" onClick={() => change(path, { kind: "not", of: node })}>
          Not
        </Button>
      )}
      {node.kind === "condition" && (
        <Button small look="quiet" onClick={() => change(path, { kind: "all", of: [node, FRESH] })}>
          Make a group
        </Button>
      )}
      {removable && <IconButton label="Remove this" icon="close" onClick={() => change(path, null)} />}
    </div>
  );
}

function ConditionBox({ node, path, fault, change, removable }: NodeProps & { node: Extract<Node, { kind: "condition" }> }) {
  const set = (part: Partial<typeof node>) => change(path, { ...node, ...part });
  const { unit } = METRICS[node.metric];
  const optional = (text: string) => (text === "" || Number.isNaN(Number(text)) ? undefined : Number(text));
  return (
    <div className={fault ? "criteria-box criteria-wrong" : "criteria-box"}>
      <div className="criteria-line">
        <Select label="Metric" value={node.metric} onChange={(metric) => set({ metric: metric as Metric, number: kept(metric as Metric, shown(node.metric, node.number)) })}>
          {Object.entries(METRICS).map(([name, { label }]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </Select>
        <Select label="Is" value={node.compare} onChange={(compare) => set({ compare: compare as Comparison })}>
          {Object.entries(COMPARISONS).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </Select>
        <Field label={unit.charAt(0).toUpperCase() + unit.slice(1)} type="number" min={0} step={isSeconds(node.metric) ? 0.25 : 1} value={shown(node.metric, node.number)} onChange={(text) => set({ number: kept(node.metric, Number(text)) })} />
        {WINDOWED.includes(node.metric) && <Field label="In the last days" type="number" min={1} max={3660} placeholder="ever" value={node.lastDays ?? ""} onChange={(text) => set({ lastDays: optional(text) })} />}
        {node.metric === "project_seconds" && <Field label="Project number" type="number" min={1} placeholder="any" value={node.projectId ?? ""} onChange={(text) => set({ projectId: optional(text) })} />}
      </div>
      {fault && (
        <p className="form-error" role="alert">
          {fault}
        </p>
      )}
      <Wrap node={node} path={path} change={change} removable={removable} />
    </div>
  );
}

function GroupBox({ node, path, fault, faultPath, change, removable }: NodeProps & { node: Exclude<Node, { kind: "condition" }>; faultPath: string }) {
  const children = node.kind === "not" ? [node.of] : node.of;
  return (
    <div className={fault && faultPath === textOf(path) ? "criteria-group criteria-wrong" : "criteria-group"} role="group" aria-label={node.kind === "not" ? "None of this" : node.kind === "all" ? "All of these" : "Any of these"}>
      <div className="criteria-head">
        {node.kind === "not" ? (
          <span className="criteria-kind">Not</span>
        ) : (
          <Select label="Group" labelHidden value={node.kind} onChange={(kind) => change(path, { ...node, kind: kind as "all" | "any" })}>
            <option value="all">All of these</option>
            <option value="any">Any of these</option>
          </Select>
        )}
        {node.kind === "not" ? (
          <Button small look="quiet" onClick={() => change(path, node.of)}>
            Undo not
          </Button>
        ) : (
          <Wrap node={node} path={path} change={change} removable={removable} />
        )}
      </div>
      {children.map((child, index) => (
        <NodeBox key={index} node={child} path={childPath(node, path, index)} fault={fault} faultPath={faultPath} change={change} removable={node.kind !== "not" && children.length > 1} />
      ))}
      {node.kind !== "not" && (
        <Button small look="quiet" icon="plus" onClick={() => change(path, { ...node, of: [...node.of, FRESH] })}>
          Add a condition
        </Button>
      )}
    </div>
  );
}

function textOf(path: Path): string {
  return path.join("/");
}

function NodeBox({ faultPath, fault, ...props }: NodeProps & { faultPath: string }) {
  // The server points at a member of a condition: its box is the one in front.
  const here = textOf(props.path);
  if (props.node.kind === "condition") return <ConditionBox {...props} node={props.node} fault={fault !== null && (faultPath === here || faultPath.startsWith(`${here}/`)) ? fault : null} />;
  return <GroupBox {...props} node={props.node} fault={fault} faultPath={faultPath} />;
}

export function CriteriaEditor({ node, fault, onChange }: { node: Node; fault: { path: Path; text: string } | null; onChange: (node: Node) => void }) {
  return (
    <fieldset className="criteria">
      <legend className="field-label">Earned for</legend>
      <NodeBox node={node} path={[]} fault={fault?.text ?? null} faultPath={fault ? textOf(fault.path) : ""} removable={false} change={(path, by) => onChange(replaceAt(node, path, by))} />
      <p className="field-note">In words: {inWords(node)}.</p>
    </fieldset>
  );
}

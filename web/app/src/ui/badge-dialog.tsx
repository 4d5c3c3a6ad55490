// A badge as a form for admins: what it is called, what it is earned for, and
// who would earn it now.

import { useState, type FormEvent } from "react";
import { api } from "../api/client";
import { byField, inWords, Problem } from "../api/problem";
import { keys } from "../api/queries";
import type { AnyBadge, Tier } from "../api/types";
import { useWrite } from "../api/writes";
import { parse, parsePath, toJson, type Node } from "../lib/criteria";
import { Button, Field, Select, Switch, TextArea } from "./basics";
import { BadgePicture } from "./badge-picture";
import { CriteriaEditor } from "./criteria-editor";
import { Dialog } from "./dialog";

export const TIERS: Tier[] = ["bronze", "silver", "gold", "platinum"];
const FRESH: Node = { kind: "all", of: [{ kind: "condition", metric: "total_seconds", compare: "gte", number: 36000 }] };

/** Where the criteria are at fault, and why. */
function faultOf(error: unknown) {
  if (!(error instanceof Problem) || error.code !== "invalid_criteria") return null;
  const path = typeof error.members.path === "string" ? error.members.path : "$";
  return { path: parsePath(path), text: inWords(error) };
}

export function BadgeDialog({ badge, onClose }: { badge: AnyBadge | null; onClose: () => void }) {
  const [name, setName] = useState(badge?.name ?? "");
  const [description, setDescription] = useState(badge?.description ?? "");
  const [tier, setTier] = useState<Tier>(badge?.tier ?? "bronze");
  const [image, setImage] = useState(badge?.image_url ?? "");
  const [revocable, setRevocable] = useState(badge?.revocable ?? false);
  const [node, setNode] = useState<Node | null>(() => (badge === null ? FRESH : parse(badge.criteria)));
  const criteria = node && (toJson(node) as unknown as AnyBadge["criteria"]);

  const preview = useWrite(() => api.post("/badges/preview", { body: { criteria: criteria! } }), [], undefined, true);
  const save = useWrite(
    async () => {
      const fields = { name, description, tier, image_url: image || null, revocable, ...(criteria && { criteria }) };
      if (badge === null) await api.post("/badges", { body: { ...fields, criteria: criteria! } });
      else await api.put("/badges/{badge_id}", { path: { badge_id: badge.badge_id }, body: fields });
    },
    [keys.badges, ["person"]],
    onClose,
    true,
  );
  const errors = byField(save.error);
  const fault = faultOf(save.error) ?? faultOf(preview.error);
  const general = [save.error, preview.error].find((error) => error && faultOf(error) === null && Object.keys(byField(error)).length === 0);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined);
  };
  return (
    <Dialog title={badge === null ? "New badge" : "Edit badge"} wide onClose={onClose}>
      <form className="form" noValidate onSubmit={submit}>
        <div className="badge-form-head">
          <BadgePicture name={name} tier={tier} url={image || null} size={72} />
          <Field label="Name" value={name} maxLength={100} required error={errors.name} onChange={setName} />
          <Select label="Tier" value={tier} onChange={(value) => setTier(value as Tier)}>
            {TIERS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </Select>
        </div>
        <TextArea label="Description" rows={2} value={description} maxLength={2000} error={errors.description} onChange={setDescription} />
        {node === null ? (
          <p className="field-note">What it is earned for is kept as it is: this page does not know all of it.</p>
        ) : (
          <CriteriaEditor
            node={node}
            fault={fault}
            onChange={(changed) => {
              setNode(changed);
              preview.reset();
              save.reset();
            }}
          />
        )}
        <div className="preview">
          <Button busy={preview.isPending} disabled={node === null} icon="search" onClick={() => preview.mutate(undefined)}>
            Who would earn it now?
          </Button>
          <p role="status">
            {preview.data && (preview.data.users === 0 ? "Nobody would." : `${preview.data.users.toLocaleString("en")} would: ${preview.data.sample.map(({ username }) => username).join(", ")}${preview.data.users > preview.data.sample.length ? " …" : "."}`)}
          </p>
        </div>
        <Field label="Picture" value={image} placeholder="/media/badges/founder.svg" hint="A path on this host. Without one it is the medal of its tier." error={errors.image_url} onChange={setImage} />
        <Switch label="Can be lost" hint="Taken back from those for whom it holds no longer." checked={revocable} onChange={setRevocable} />
        {general != null && (
          <p className="form-error" role="alert">
            {inWords(general)}
          </p>
        )}
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="main" type="submit" busy={save.isPending} disabled={name.trim() === ""}>
            {badge === null ? "Create" : "Save"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

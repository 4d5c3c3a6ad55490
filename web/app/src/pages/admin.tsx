// Badges as admins look after them: made, changed, put away, awarded backwards.

import { useState } from "react";
import { api } from "../api/client";
import { keys, useAllBadges } from "../api/queries";
import type { AnyBadge } from "../api/types";
import { useWrite } from "../api/writes";
import { inWords, parse } from "../lib/criteria";
import { BadgeDialog } from "../ui/badge-dialog";
import { BadgePicture } from "../ui/badge-picture";
import { Button, Card, IconButton, Page } from "../ui/basics";
import { Confirm } from "../ui/dialog";
import { Empty, Loaded, Skeleton } from "../ui/states";
import { tell } from "../ui/toasts";

const AFTER = [keys.badges, ["person"]];

function turn({ badge, enabled }: { badge: AnyBadge; enabled: boolean }) {
  return api.put("/badges/{badge_id}", { path: { badge_id: badge.badge_id }, body: { name: badge.name, enabled } });
}

export default function AdminPage() {
  const badges = useAllBadges();
  const [edited, setEdited] = useState<AnyBadge | "new" | null>(null);
  const [asked, setAsked] = useState<{ what: "delete" | "award"; badge: AnyBadge } | null>(null);
  const close = () => setAsked(null);
  const enable = useWrite(turn, AFTER, (_, { badge, enabled }) => {
    tell(enabled ? `${badge.name} is shown and awarded again.` : `${badge.name} is neither shown nor awarded any more.`);
  });
  const award = useWrite((badge: AnyBadge) => api.post("/badges/{badge_id}/backfill", { path: { badge_id: badge.badge_id } }), AFTER, ({ awarded }) => {
    close();
    tell(awarded === 0 ? "Everybody who has earned it has it already." : `Awarded to ${awarded.toLocaleString("en")} more.`);
  });
  const remove = useWrite((badge: AnyBadge) => api.delete("/badges/{badge_id}", { path: { badge_id: badge.badge_id } }), AFTER, close);
  return (
    <Page
      title="Manage badges"
      wide
      actions={
        <Button look="main" icon="plus" onClick={() => setEdited("new")}>
          New badge
        </Button>
      }
    >
      <Card>
        <Loaded query={badges} loading={<Skeleton rows={8} />} empty={<Empty icon="badges" title="There are no badges." />}>
          {(rows) => (
            <ul className="admin-badges">
              {rows.map((badge) => {
                const node = parse(badge.criteria);
                return (
                  <li key={badge.badge_id} className="admin-badge">
                    <BadgePicture name={badge.name} tier={badge.tier} url={badge.image_url} size={48} dimmed={!badge.enabled} />
                    <div className="admin-what">
                      <p className="admin-name">
                        {badge.name}
                        <span className={`tag tier-${badge.tier}`}>{badge.tier}</span>
                        {badge.revocable && <span className="tag">can be lost</span>}
                        {!badge.enabled && <span className="tag tag-bad">disabled</span>}
                      </p>
                      <p className="field-note">{node ? inWords(node) : badge.description}</p>
                    </div>
                    <p className="admin-count">{badge.earned_by.toLocaleString("en")} earned</p>
                    <div className="admin-acts">
                      <Button small look="quiet" disabled={!badge.enabled} onClick={() => setAsked({ what: "award", badge })}>
                        Award<span className="sr-only"> {badge.name} to who has earned it before</span>
                      </Button>
                      <Button small look="quiet" onClick={() => enable.mutate({ badge, enabled: !badge.enabled })}>
                        {badge.enabled ? "Disable" : "Enable"}
                        <span className="sr-only"> {badge.name}</span>
                      </Button>
                      <IconButton label={`Edit ${badge.name}`} icon="pencil" onClick={() => setEdited(badge)} />
                      <IconButton label={`Delete ${badge.name}`} icon="trash" onClick={() => setAsked({ what: "delete", badge })} />
                    </div>
                  </li>
                );
              })}
            </ul>
          )}
        </Loaded>
      </Card>
      {edited !== null && <BadgeDialog badge={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      {asked?.what === "award" && (
        <Confirm title={`Award ${asked.badge.name}?`} action="Award" busy={award.isPending} onConfirm={() => award.mutate(asked.badge)} onClose={close}>
          <p>Everybody who has met its criteria at any time gets it now, and is told.</p>
        </Confirm>
      )}
      {asked?.what === "delete" && (
        <Confirm title={`Delete ${asked.badge.name}?`} action="Delete" busy={remove.isPending} onConfirm={() => remove.mutate(asked.badge)} onClose={close}>
          <p>Everybody who has it loses it.</p>
        </Confirm>
      )}
    </Page>
  );
}

// The members of a project, and looking after them.

import { useState, type FormEvent } from "react";
import { Link } from "wouter";
import { api } from "../api/client";
import { keys, useBoard } from "../api/queries";
import type { ProjectDetails, Role } from "../api/types";
import { useWrite } from "../api/writes";
import { Avatar, Button, Field, IconButton, Select } from "./basics";
import { Confirm } from "./dialog";

const ROLES: Role[] = ["viewer", "contributor", "manager", "owner"];

/** The number in "12", or at the end of the address of a profile. */
export function personIn(text: string): number | null {
  const found = /^(?:.*\/people\/)?(\d{1,18})\/?$/.exec(text.trim());
  return found ? Number(found[1]) : null;
}

function AddMember({ project }: { project: ProjectDetails }) {
  const [who, setWho] = useState("");
  const [role, setRole] = useState<Role>("contributor");
  const [wrong, setWrong] = useState<string>();
  // The people whom one is likely to mean by a name are those on the board.
  const known = useBoard({ period: "all", metric: "time", projectId: null }).data?.pages.flatMap(({ rows }) => rows) ?? [];
  const add = useWrite(
    (userId: number) => api.put("/projects/{project_id}/members/{user_id}", { path: { project_id: project.project_id, user_id: userId }, body: { role } }),
    [keys.project(project.project_id)],
    () => {
      setWho("");
      setWrong(undefined);
    },
  );
  const words = who.trim().toLowerCase();
  const matching = words === "" ? [] : known.filter(({ username, user_id }) => username.toLowerCase().includes(words) && !project.members.some((member) => member.user_id === user_id)).slice(0, 5);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const userId = personIn(who) ?? known.find(({ username }) => username.toLowerCase() === words)?.user_id;
    if (userId === undefined) setWrong("Nobody on the board is called that. The address of a profile works for everybody.");
    else add.mutate(userId);
  };
  return (
    <form className="add-member" noValidate onSubmit={submit}>
      <Field label="Add somebody" placeholder="Name, or address of a profile" autoComplete="off" value={who} error={wrong} onChange={(value) => { setWho(value); setWrong(undefined); }} />
      <Select label="Role" value={role} onChange={(value) => setRole(value as Role)}>
        {ROLES.slice(0, 3).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </Select>
      <Button type="submit" icon="plus" busy={add.isPending} disabled={words === ""}>
        Add
      </Button>
      {matching.length > 0 && (
        <ul className="suggestions" aria-label="People with that name">
          {matching.map(({ user_id, username }) => (
            <li key={user_id}>
              <Button small look="quiet" onClick={() => add.mutate(user_id)}>
                <Avatar id={user_id} name={username} size="small" />
                {username}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </form>
  );
}

export function Members({ project, role, userId }: { project: ProjectDetails; role: Role | null; userId: number }) {
  const [removing, setRemoving] = useState<ProjectDetails["members"][number] | null>(null);
  const [handing, setHanding] = useState<number | null>(null);
  const after = [keys.project(project.project_id), keys.projects];
  const change = useWrite(
    ({ member, role: given }: { member: number; role: Role }) => api.put("/projects/{project_id}/members/{user_id}", { path: { project_id: project.project_id, user_id: member }, body: { role: given } }),
    after,
    () => setHanding(null),
  );
  const remove = useWrite((member: number) => api.delete("/projects/{project_id}/members/{user_id}", { path: { project_id: project.project_id, user_id: member } }), after, () => setRemoving(null));
  const isOwner = role === "owner";
  const looksAfter = (other: Role) => isOwner || (role === "manager" && (other === "contributor" || other === "viewer"));
  return (
    <>
      <ul className="members">
        {project.members.map((member) => {
          const mine = member.user_id === userId;
          const mayChange = !mine && member.role !== "owner" && looksAfter(member.role);
          return (
            <li key={member.user_id} className="member">
              <Avatar id={member.user_id} name={member.username} />
              <Link className="member-name" href={`/app/people/${member.user_id}`}>
                {member.username}
                {mine && <span className="tag">you</span>}
              </Link>
              {mayChange ? (
                <>
                  <Select
                    label={`Role of ${member.username}`}
                    labelHidden
                    value={member.role}
                    onChange={(value) => (value === "owner" ? setHanding(member.user_id) : change.mutate({ member: member.user_id, role: value as Role }))}
                  >
                    {ROLES.filter((one) => isOwner || one === "viewer" || one === "contributor").map((one) => (
                      <option key={one}>{one}</option>
                    ))}
                  </Select>
                  <IconButton label={`Remove ${member.username}`} icon="close" onClick={() => setRemoving(member)} />
                </>
              ) : (
                <span className="member-role">{member.role}</span>
              )}
            </li>
          );
        })}
      </ul>
      {(isOwner || role === "manager") && <AddMember project={project} />}
      {removing && (
        <Confirm title={`Remove ${removing.username}?`} action="Remove" busy={remove.isPending} onConfirm={() => remove.mutate(removing.user_id)} onClose={() => setRemoving(null)}>
          <p>What they tracked here stays counted.</p>
        </Confirm>
      )}
      {handing !== null && (
        <Confirm title="Hand the project over?" action="Hand over" busy={change.isPending} onConfirm={() => change.mutate({ member: handing, role: "owner" })} onClose={() => setHanding(null)}>
          <p>You will be a manager from then on. Only the new owner can undo this.</p>
        </Confirm>
      )}
    </>
  );
}

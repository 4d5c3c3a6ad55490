// The members of a project, and looking after them.

import { useState, type FormEvent } from "react";
import { Link } from "wouter";
import { api } from "../api/client";
import { keys } from "../api/queries";
import type { ProjectDetails, Role } from "../api/types";
import { useWrite } from "../api/writes";
import { Avatar, Button, IconButton, Select } from "./basics";
import { Confirm } from "./dialog";
import { PeopleSearch } from "./people-search";
import { tell } from "./toasts";

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
  const add = useWrite(
    (userId: number) => api.put("/projects/{project_id}/members/{user_id}", { path: { project_id: project.project_id, user_id: userId }, body: { role } }),
    [keys.project(project.project_id)],
    ({ username }) => {
      setWho("");
      tell(`${username} is a ${role} now.`);
    },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const userId = personIn(who);
    if (userId === null) setWrong("Choose somebody from the list. Who is not listed is added by the address of a profile.");
    else add.mutate(userId);
  };
  return (
    <form className="add-member" noValidate onSubmit={submit}>
      <PeopleSearch
        label="Add somebody"
        placeholder="Name, or address of a profile"
        value={who}
        error={wrong}
        without={project.members.map(({ user_id }) => user_id)}
        onChange={(value) => {
          setWho(value);
          setWrong(undefined);
        }}
        onChoose={({ user_id }) => add.mutate(user_id)}
      />
      <Select label="Role" value={role} onChange={(value) => setRole(value as Role)}>
        {ROLES.slice(0, 3).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </Select>
      <Button type="submit" icon="plus" busy={add.isPending} disabled={who.trim() === ""}>
        Add
      </Button>
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

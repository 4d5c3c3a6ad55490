// Finding somebody by the beginning of a name: a field, and below it those whom
// it may mean, to choose with the arrow keys and Enter or by touch.

import { useEffect, useId, useState, type KeyboardEvent } from "react";
import { usePeople } from "../api/queries";
import type { Person } from "../api/types";
import { Avatar, FieldFrame } from "./basics";

const MOST = 6;
const SETTLES = 150;

/** What was typed, once nothing more has been for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLES);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

interface PeopleSearchProps {
  label: string;
  placeholder: string;
  labelHidden?: boolean;
  error?: string;
  value: string;
  onChange: (value: string) => void;
  onChoose: (person: Person) => void;
  /** Who is not offered. */
  without?: readonly number[];
}

export function PeopleSearch({ label, placeholder, labelHidden = false, error, value, onChange, onChoose, without = [] }: PeopleSearchProps) {
  const list = useId();
  const words = value.trim();
  const settled = useSettled(words);
  const people = usePeople(settled);
  const [active, setActive] = useState(0);
  const [open, setOpen] = useState(false);
  const isCurrent = settled === words && !people.isPlaceholderData && !people.isFetching;
  const found = words === "" ? [] : (people.data ?? []).filter(({ user_id }) => !without.includes(user_id)).slice(0, MOST);
  const shown = open && found.length > 0;
  const at = Math.min(active, found.length - 1);

  const choose = (person: Person) => {
    setOpen(false);
    onChoose(person);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setOpen(true);
      setActive(shown ? (at + step + found.length) % found.length : 0);
    } else if (event.key === "Escape" && shown) {
      event.preventDefault();
      setOpen(false);
    } else if (event.key === "Enter" && open && words !== "" && (shown || !isCurrent)) {
      // Those of a name that was typed only just are not known yet.
      event.preventDefault();
      if (isCurrent) choose(found[at]!);
    }
  };
  return (
    <div className="people" onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}>
      <FieldFrame label={label} hidden={labelHidden} error={error}>
        {(attributes) => (
          <input
            className="input"
            {...attributes}
            role="combobox"
            aria-expanded={shown}
            aria-controls={list}
            aria-autocomplete="list"
            aria-activedescendant={shown ? `${list}-${at}` : undefined}
            autoComplete="off"
            spellCheck={false}
            maxLength={200}
            placeholder={placeholder}
            value={value}
            onKeyDown={press}
            onChange={(event) => {
              setOpen(true);
              setActive(0);
              onChange(event.target.value);
            }}
          />
        )}
      </FieldFrame>
      <ul id={list} className="people-list" role="listbox" aria-label={label} hidden={!shown}>
        {found.map((person, index) => (
          <li
            key={person.user_id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            className="people-one"
            onPointerDown={(event) => event.preventDefault()}
            onPointerEnter={() => setActive(index)}
            onClick={() => choose(person)}
          >
            <Avatar id={person.user_id} name={person.username} url={person.avatar_url} size="small" />
            <bdi className="people-name">{person.username}</bdi>
          </li>
        ))}
      </ul>
      <p className="sr-only" role="status">
        {open && words !== "" && isCurrent && (found.length === 0 ? "Nobody found" : `${found.length} found`)}
      </p>
    </div>
  );
}

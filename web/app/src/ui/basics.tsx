// Buttons, fields, pictures of people, and the frame of a page.

import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type InputHTMLAttributes, type ReactNode } from "react";
import { isShown } from "../lib/picture";
import { Icon, type IconName } from "./icons";
import { setPageTitle } from "./title";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { look?: "main" | "plain" | "quiet" | "danger"; icon?: IconName; busy?: boolean; small?: boolean };

export function Button({ look = "plain", icon, busy = false, small = false, children, className = "", ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} aria-busy={busy || undefined} disabled={rest.disabled || busy} className={`button button-${look}${small ? " button-small" : ""} ${className}`}>
      {icon && <Icon name={icon} size={small ? 16 : 18} />}
      {children}
    </button>
  );
}

/** A button that shows nothing but its picture. */
export function IconButton({ label, icon, className = "", ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { label: string; icon: IconName }) {
  return (
    <button type="button" {...rest} aria-label={label} title={label} className={`icon-button ${className}`}>
      <Icon name={icon} />
    </button>
  );
}

interface FrameProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  hidden?: boolean;
  children: (attributes: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode;
}

/** A label, what it labels, and below what is wrong with it, or a hint. */
export function FieldFrame({ label, hint, error, hidden = false, children }: FrameProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={error ? "field field-wrong" : "field"}>
      <label htmlFor={id} className={hidden ? "sr-only" : "field-label"}>
        {label}
      </label>
      {children({ id, ...(note !== undefined && { "aria-describedby": `${id}-note` }), ...(error !== undefined && { "aria-invalid": true }) })}
      {note !== undefined && (
        <p id={`${id}-note`} className="field-note" role={error ? "alert" : undefined}>
          {note}
        </p>
      )}
    </div>
  );
}

type FieldProps = Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> & { label: string; hint?: ReactNode; error?: string; labelHidden?: boolean; onChange: (value: string) => void };

export function Field({ label, hint, error, labelHidden, onChange, ...rest }: FieldProps) {
  return (
    <FieldFrame label={label} hint={hint} error={error} hidden={labelHidden}>
      {(attributes) => <input className="input" {...attributes} {...rest} onChange={(event) => onChange(event.target.value)} />}
    </FieldFrame>
  );
}

export function TextArea({ label, hint, error, value, rows = 3, maxLength, onChange }: { label: string; hint?: string; error?: string; value: string; rows?: number; maxLength?: number; onChange: (value: string) => void }) {
  return (
    <FieldFrame label={label} hint={hint} error={error}>
      {(attributes) => <textarea className="input" {...attributes} rows={rows} maxLength={maxLength} value={value} onChange={(event) => onChange(event.target.value)} />}
    </FieldFrame>
  );
}

type SelectProps = { label: string; hint?: ReactNode; error?: string; labelHidden?: boolean; value: string; disabled?: boolean; onChange: (value: string) => void; children: ReactNode };

export function Select({ label, hint, error, labelHidden, value, disabled, onChange, children }: SelectProps) {
  return (
    <FieldFrame label={label} hint={hint} error={error} hidden={labelHidden}>
      {(attributes) => (
        <select className="input select" {...attributes} value={value} disabled={disabled} onChange={(event) => onChange(event.target.value)}>
          {children}
        </select>
      )}
    </FieldFrame>
  );
}

export function Switch({ label, hint, checked, disabled, onChange }: { label: string; hint?: string; checked: boolean; disabled?: boolean; onChange: (checked: boolean) => void }) {
  const id = useId();
  return (
    <div className="switch-row">
      <div>
        <label htmlFor={id} className="switch-label">
          {label}
        </label>
        {hint && (
          <p id={`${id}-note`} className="field-note">
            {hint}
          </p>
        )}
      </div>
      <input id={id} type="checkbox" role="switch" className="switch" checked={checked} disabled={disabled} aria-describedby={hint ? `${id}-note` : undefined} onChange={(event) => onChange(event.target.checked)} />
    </div>
  );
}

/** The end of a form that is saved: what went wrong, the button, and that it is done. */
export function FormEnd({ error, busy, changed, saved }: { error?: string; busy: boolean; changed: boolean; saved: boolean }) {
  return (
    <>
      {error !== undefined && (
        <p className="form-error" role="alert">
          {error}
        </p>
      )}
      <div className="form-end">
        <Button look="main" type="submit" busy={busy} disabled={!changed}>
          Save
        </Button>
        {saved && !changed && <span role="status">Saved.</span>}
      </div>
    </>
  );
}

/** One of a few, side by side. */
export function Segments<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly (readonly [T, string])[]; onChange: (value: T) => void }) {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend className="sr-only">{label}</legend>
      {options.map(([one, text]) => (
        <label key={one} className="segment">
          <input type="radio" name={name} checked={one === value} onChange={() => onChange(one)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** One of ten colours, always the same for the same thing. */
export function hueOf(id: number): string {
  return `hue-${id % 10}`;
}

export function Avatar({ id, name, url, size = "medium" }: { id: number; name: string; url?: string | null; size?: "small" | "medium" | "large" }) {
  const [broken, setBroken] = useState<string | null>(null);
  const initials = name
    .split(/[\s._-]+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((part) => [...part][0]?.toUpperCase())
    .join("");
  const own = url && isShown(url) && broken !== url;
  return (
    <span className={`avatar avatar-${size} ${hueOf(id)}`} aria-hidden="true">
      {own ? <img src={url} alt="" onError={() => setBroken(url)} /> : initials}
    </span>
  );
}

export function ProjectDot({ id }: { id: number }) {
  return <span className={`dot ${hueOf(id)}`} aria-hidden="true" />;
}

/** A page: its title, also that of the window, and what can be done on it. */
export function Page({ title, intro, actions, children, wide = false }: { title: string; intro?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => setPageTitle(title), [title]);
  useEffect(() => {
    // After going to another page the focus is at its beginning, as after loading one.
    if (visited) heading.current?.focus({ preventScroll: true });
    visited = true;
    scrollTo(0, 0);
  }, []);
  return (
    <div className={wide ? "page page-wide" : "page"}>
      <header className="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {intro && <p className="page-intro">{intro}</p>}
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

let visited = false;

export function Card({ title, actions, children, className = "", id }: { title?: string; actions?: ReactNode; children: ReactNode; className?: string; id?: string }) {
  const heading = useId();
  return (
    <section id={id} className={`card ${className}`} aria-labelledby={title ? heading : undefined}>
      {title && (
        <div className="card-head">
          <h2 id={heading}>{title}</h2>
          {actions}
        </div>
      )}
      {children}
    </section>
  );
}

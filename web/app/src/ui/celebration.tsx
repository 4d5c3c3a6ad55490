// A badge that was just earned: shown in the middle until it is put away, with
// some confetti for those who do not mind movement. It takes no focus away.

import { useEffect, useRef } from "react";
import { useBadges } from "../api/queries";
import { BadgePicture } from "./badge-picture";
import { Button } from "./basics";
import { celebrated, useCelebration } from "./celebrations";

const PIECES = 90;
const LASTS = 2600;

/** Draw falling paper; returns how to stop. */
function throwConfetti(canvas: HTMLCanvasElement): () => void {
  const context = canvas.getContext("2d");
  if (context === null) return () => undefined;
  const scale = Math.min(2, devicePixelRatio);
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * scale;
  canvas.height = height * scale;
  context.scale(scale, scale);
  const styles = getComputedStyle(document.documentElement);
  const colours = [0, 1, 2, 3, 5, 7].map((hue) => styles.getPropertyValue(`--hue-${hue}`).trim());
  const pieces = Array.from({ length: PIECES }, (_, index) => ({
    x: width / 2,
    y: height / 2 - 60,
    vx: (Math.random() - 0.5) * Math.min(900, width * 1.4),
    vy: -Math.random() * 620 - 120,
    turn: Math.random() * 7,
    size: 5 + Math.random() * 5,
    colour: colours[index % colours.length] ?? "gold",
  }));
  const began = performance.now();
  let before = began;
  let frame = 0;
  const draw = (now: number) => {
    const step = Math.min(0.05, (now - before) / 1000);
    before = now;
    context.clearRect(0, 0, width, height);
    context.globalAlpha = Math.max(0, Math.min(1, 2 - ((now - began) / LASTS) * 2));
    for (const piece of pieces) {
      piece.vy += 900 * step;
      piece.vx *= 1 - step;
      piece.x += piece.vx * step;
      piece.y += piece.vy * step;
      context.save();
      context.translate(piece.x, piece.y);
      context.rotate(piece.turn + (now - began) / 180);
      context.fillStyle = piece.colour;
      context.fillRect(-piece.size / 2, -piece.size / 4, piece.size, piece.size / 2);
      context.restore();
    }
    if (now - began < LASTS) frame = requestAnimationFrame(draw);
  };
  frame = requestAnimationFrame(draw);
  return () => cancelAnimationFrame(frame);
}

function Earned({ badgeId }: { badgeId: number }) {
  const badges = useBadges();
  const badge = badges.data?.find(({ badge_id }) => badge_id === badgeId);
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    if (badge === undefined || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    return throwConfetti(canvas.current!);
  }, [badge === undefined]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape" && document.querySelector("dialog[open]") === null) celebrated();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);

  return (
    <>
      <canvas ref={canvas} className="confetti" aria-hidden="true" />
      {badge !== undefined && (
        <div className="celebration-card">
          <BadgePicture name={badge.name} tier={badge.tier} url={badge.image_url} size={120} />
          <p className="celebration-what">Badge earned</p>
          <p className="celebration-name">{badge.name}</p>
          <p className="celebration-why">{badge.description}</p>
          <Button look="main" onClick={celebrated}>
            Nice
          </Button>
        </div>
      )}
    </>
  );
}

export function Celebration() {
  const badgeId = useCelebration();
  return (
    <div className="celebration" role="status" aria-live="polite">
      {badgeId !== undefined && <Earned key={badgeId} badgeId={badgeId} />}
    </div>
  );
}

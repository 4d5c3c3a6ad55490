// The WebSocket that tells what happens: opened while somebody is signed in,
// opened again with growing pauses when it breaks, from the last event on.

import { api } from "./client";
import { accessToken, isSignedIn } from "./session";

export type LiveState = "connecting" | "live" | "waiting";

export interface LiveMessage {
  id: number;
  topic: string;
  data: Record<string, unknown>;
}

const LEAST_PAUSE = 500;
const MOST_PAUSE = 30_000;
const EXPIRED = 4401;
const RENEWED = 4000;
const LOOKS = 30_000;
/** Longer than that between two looks: the machine slept. Hidden pages look once a minute. */
const SLEPT = 100_000;

/** How long to wait before the nth try: doubling, and each by chance, so that not all come at once. */
export function pauseBefore(attempt: number, chance: number): number {
  return Math.min(MOST_PAUSE, LEAST_PAUSE * 2 ** attempt) * (0.5 + chance / 2);
}

export class Live {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private after: number | null = null;
  private attempt = 0;
  private ended = false;
  private watch: ReturnType<typeof setInterval> | undefined;
  private refused = false;
  private readonly followed = new Map<number, number>();
  private readonly tellState: (state: LiveState) => void;
  private readonly tellMessage: (message: LiveMessage) => void;
  private readonly tellReset: (projectId?: number) => void;

  /** reset: everything, or what is about one project, must be read anew. */
  constructor(on: { state: (state: LiveState) => void; message: (message: LiveMessage) => void; reset: (projectId?: number) => void }) {
    this.tellState = on.state;
    this.tellMessage = on.message;
    this.tellReset = on.reset;
  }

  start() {
    this.ended = false;
    addEventListener("online", this.renew);
    let looked = Date.now();
    this.watch = setInterval(() => {
      if (Date.now() - looked > SLEPT) this.renew();
      looked = Date.now();
    }, LOOKS);
    document.addEventListener("visibilitychange", this.hurry);
    void this.connect();
  }

  end() {
    this.ended = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    clearInterval(this.watch);
    removeEventListener("online", this.renew);
    document.removeEventListener("visibilitychange", this.hurry);
    this.socket?.close(1000);
  }

  /** Hear of a project until the function returned is called. */
  follow(projectId: number): () => void {
    const count = this.followed.get(projectId) ?? 0;
    this.followed.set(projectId, count + 1);
    if (count === 0) this.say({ subscribe: { project_id: projectId } });
    return () => {
      const left = (this.followed.get(projectId) ?? 1) - 1;
      if (left > 0) this.followed.set(projectId, left);
      else {
        this.followed.delete(projectId);
        this.say({ unsubscribe: { project_id: projectId } });
      }
    };
  }

  private say(message: unknown) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** The network is back, or the machine awake: a connection of before may be dead without knowing. */
  private readonly renew = () => {
    this.socket?.close(RENEWED);
    this.hurry();
  };

  /** Somebody looks again: don't sit the pause out. */
  private readonly hurry = () => {
    if (this.timer === undefined || document.hidden) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.connect();
  };

  private async connect() {
    if (this.ended) return;
    this.tellState("connecting");
    let token: string;
    try {
      // A handshake that was refused looks like a server that is away: a request tells, and replaces a bad token.
      if (this.refused) await api.get("/notifications/unread");
      token = await accessToken();
    } catch {
      return this.again();
    }
    if (this.ended) return;
    const query = this.after === null ? "" : `?after=${this.after}`;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/live${query}`, [`bearer.${token}`]);
    this.socket = socket;
    this.refused = true;
    socket.onopen = () => {
      this.refused = false;
      for (const id of this.followed.keys()) this.say({ subscribe: { project_id: id } });
    };
    socket.onmessage = ({ data }) => this.hear(JSON.parse(String(data)) as LiveMessage & { error?: unknown });
    socket.onclose = ({ code }) => {
      if (code === EXPIRED) this.refused = true;
      if (!this.ended) this.again();
    };
  }

  private again() {
    if (!isSignedIn()) return;
    this.tellState("waiting");
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.connect();
    }, pauseBefore(this.attempt++, Math.random()));
  }

  private hear(message: LiveMessage & { error?: unknown }) {
    if (message.error !== undefined) return;
    const isFirst = this.after === null;
    this.after = message.id;
    if (message.topic === "ready") {
      this.attempt = 0;
      this.tellState("live");
      // What was read before it was live may be of before.
      if (isFirst) this.tellReset();
    } else if (message.topic === "reset" || message.topic === "subscribed" || message.topic === "unsubscribed") this.tellReset(message.data?.project_id as number | undefined);
    else this.tellMessage(message);
  }
}

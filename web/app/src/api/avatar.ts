// The own picture: kept by the server, or at Cloudinary where the server has an
// account there, to which it is sent straight from here.

import { api, signed } from "./client";
import { Problem, Unreachable } from "./problem";
import { send } from "./send";

/** What to send with a picture, signed; null where there is no account. */
async function signature() {
  try {
    return await api.post("/media/signature", { body: { purpose: "avatar" } });
  } catch (error) {
    if (error instanceof Problem && error.status === 501) return null;
    throw error;
  }
}

export async function putAvatar(picture: Blob): Promise<void> {
  const given = await signature();
  if (given === null) {
    await signed((token) => send("PUT", "/users/me/avatar", { token, blob: picture }));
    return;
  }
  const { upload_url, ...fields } = given;
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
  form.append("file", picture);
  const answer = await fetch(upload_url, { method: "POST", body: form, credentials: "omit", referrerPolicy: "no-referrer" }).catch(() => {
    throw new Unreachable();
  });
  const { public_id, version, signature: confirmed } = (await answer.json().catch(() => ({}))) as { public_id: string; version: number; signature: string };
  if (!answer.ok) throw new Problem(answer.status, { code: "upload_refused", detail: "The picture was not taken." });
  await api.put("/users/me/avatar", { body: { public_id, version, signature: confirmed } });
}

/** A fresh id, as a gateway would give to a session or a message. (randomUUID exists only on secure pages.) */
export function freshId(kind) {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `${kind}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// What the browser gives to this page, found by trying and never by its name, and why something is missing.
import { say } from "./words.js";

const NUMBER = /^[\d.]+$|^\[/; // 192.168.1.5 or [fd00::1]: passkeys are kept for names alone

function capability(there, why, needsHttps) {
  return there ? { there, why: "", trust: false } : { there, why: say(why), trust: needsHttps };
}

function needing(name, offered) {
  const needsHttps = !isSecureContext;
  return capability(isSecureContext && offered, `${name}_${needsHttps ? "needs_https" : "not_given"}`, needsHttps);
}

/** {there, why (a sentence when it is not), trust (whether trusting this server's authority would bring it)} */
export const camera = () => needing("camera", Boolean(navigator.mediaDevices?.getUserMedia));
export const location = () => needing("location", "geolocation" in navigator);
export const push = () =>
  needing("push", "serviceWorker" in navigator && "PushManager" in window && "Notification" in window);
export const worker = () => needing("worker", "serviceWorker" in navigator);

export function passkeys() {
  if (!isSecureContext) return capability(false, "passkeys_need_https", true);
  if (!("PublicKeyCredential" in window)) return capability(false, "passkeys_not_given", false);
  return capability(!NUMBER.test(window.location.hostname), "passkeys_need_name", true);
}

/** Why the camera did not open although the browser has one to give: from what getUserMedia threw. */
export function cameraLost(thrown) {
  const reasons = { NotAllowedError: "camera_refused", NotFoundError: "camera_none", OverconstrainedError: "camera_none" };
  return capability(false, reasons[thrown?.name] ?? "camera_busy", false);
}

/** Writes into an element why something is missing, with the way to get it where there is one; empties it otherwise. */
export function tell(element, { there, why, trust }) {
  element.hidden = there;
  element.textContent = why;
  if (there || !trust) return;
  const link = document.createElement("a");
  link.href = "/trust";
  link.textContent = say("how_to_trust");
  element.append(" ", link);
}

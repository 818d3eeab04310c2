// Reads codes for a page: by the live camera, from a photo, or typed. What it finds is an event, `muster:scanned`.
import decodeQR from "../vendor/qr/decode.js";
import { camera, cameraLost, tell } from "./capable.js";
import { say } from "./words.js";

// The longest side at which a picture is looked at, in turn. A code that fills a photo is found best when it is small, one
// across the room only with more of the camera's 4,000 pixels; each try of 1,800 takes a phone half a second.
const PHOTO_SIDES_PX = [800, 1200, 480, 1800];
const PHOTO_PARTS = [1, 0.5]; // of its width and height: all of it, then what is in the middle
const LIVE_SIDE_PX = 640;
const LIVE_EVERY_MS = 120; // eight times a second: quicker than a hand, and a phone stays cool
const EFFORT = 8; // what the decoder may try again in one picture
const SIX = /^[0-9A-Z]{6}$/i; // 0, O, 1, I and L are forgiven by who reads it
const OURS = /^\/(d|q|door|screen)\/[^/]+$/;

/** Draws a part of a picture, scaled so that its longer side has `side_px` at the most. */
function draw(canvas, picture, width, height, side_px, part = 1) {
  const [partWidth, partHeight] = [width * part, height * part];
  const scale = Math.min(1, side_px / Math.max(partWidth, partHeight));
  canvas.width = Math.max(1, Math.round(partWidth * scale));
  canvas.height = Math.max(1, Math.round(partHeight * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  const [left, top] = [(width - partWidth) / 2, (height - partHeight) / 2];
  context.drawImage(picture, left, top, partWidth, partHeight, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function read(image) {
  try {
    return decodeQR(image, { effort: EFFORT });
  } catch {
    return null; // nothing to be read in it
  }
}

/** The text of the code in a photo, null if there is none to be seen; throws when it is no picture. */
export async function readPhoto(file) {
  const picture = new Image();
  picture.src = URL.createObjectURL(file);
  try {
    await picture.decode();
    const canvas = document.createElement("canvas");
    const { naturalWidth: width, naturalHeight: height } = picture;
    for (const part of PHOTO_PARTS) {
      for (const side of PHOTO_SIDES_PX.filter((each, nth) => nth === 0 || each < Math.max(width, height) * part)) {
        const text = read(draw(canvas, picture, width, height, side, part));
        if (text !== null) return text;
        await new Promise((resume) => setTimeout(resume)); // the page stays alive meanwhile
      }
    }
    return null;
  } finally {
    URL.revokeObjectURL(picture.src);
  }
}

/** Where a code leads on this server, whatever name of it is in the code; null if it is not one of ours. */
export function follow(text, target) {
  const plain = text.replace(/[\s-]/g, "");
  if (SIX.test(plain)) {
    const typed = new URL(target, location.href);
    typed.searchParams.set("code", plain);
    return typed.pathname + typed.search;
  }
  try {
    const { protocol, pathname, search } = new URL(text);
    return /^https?:$/.test(protocol) && OURS.test(pathname) ? pathname + search : null;
  } catch {
    return null; // no address at all
  }
}

class Scanner {
  constructor(section) {
    const $ = (part) => section.querySelector(part);
    this.section = section;
    this.says = $(".scan-says");
    this.why = $(".scan-why");
    this.live = $(".scan-live");
    this.video = $("video");
    this.start = $(".scan-start");
    this.photo = $(".scan-photo");
    this.input = $("input[type=file]");
    this.stream = null;
    this.start.addEventListener("click", () => this.openCamera());
    $(".scan-stop").addEventListener("click", () => {
      this.closeCamera();
      this.start.focus();
    });
    this.input.addEventListener("change", () => this.takePhoto());
    document.addEventListener("visibilitychange", () => document.hidden && this.closeCamera());
    addEventListener("pagehide", () => this.closeCamera());
    this.offer(camera());
  }

  /** Shows the ways that there are: the camera first where the browser gives it. */
  offer(capability) {
    this.start.hidden = !capability.there;
    this.photo.classList.toggle("quiet", capability.there);
    tell(this.why, capability);
  }

  async openCamera() {
    this.start.hidden = true;
    try {
      const wanted = { facingMode: "environment", width: { ideal: 1280 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      if (document.hidden) return this.closeCamera(); // she went elsewhere while the browser asked
      this.live.hidden = false;
      this.video.srcObject = this.stream;
      this.says.textContent = say("scan_looking");
      await this.video.play();
    } catch (thrown) {
      this.closeCamera(); // its button stays: she may open what was closed, and try again
      this.photo.classList.remove("quiet");
      tell(this.why, cameraLost(thrown));
      return;
    }
    tell(this.why, camera());
    this.look(this.stream, document.createElement("canvas"));
  }

  /** Looks at the camera's picture again and again, until it finds a code or the camera is closed. */
  look(stream, canvas) {
    if (this.stream !== stream) return;
    const { videoWidth: width, videoHeight: height } = this.video;
    const text = width ? read(draw(canvas, this.video, width, height, LIVE_SIDE_PX)) : null;
    if (text === null) {
      setTimeout(() => this.look(stream, canvas), LIVE_EVERY_MS);
      return;
    }
    this.closeCamera();
    this.give(text);
  }

  closeCamera() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
    this.stream = null;
    if (!this.live.hidden) this.says.textContent = "";
    this.live.hidden = true;
    this.start.hidden = !camera().there;
  }

  async takePhoto() {
    const file = this.input.files[0];
    this.input.value = ""; // the same photo may be chosen again
    if (!file) return;
    this.closeCamera();
    this.says.textContent = say("scan_reading");
    let text;
    try {
      text = await readPhoto(file);
    } catch {
      this.says.textContent = say("scan_no_picture");
      return;
    }
    if (text === null) this.says.textContent = say("scan_nothing");
    else this.give(text);
  }

  /** Hands on what was read; leads there unless the page takes it. */
  give(text) {
    this.says.textContent = say("scan_found");
    const found = new CustomEvent("muster:scanned", { bubbles: true, cancelable: true, detail: { text } });
    if (!this.section.dispatchEvent(found)) return;
    const path = follow(text, this.section.dataset.target);
    if (path === null) this.says.textContent = say("scan_elsewhere");
    else location.assign(path);
  }
}

for (const section of document.querySelectorAll("[data-scan]")) new Scanner(section);

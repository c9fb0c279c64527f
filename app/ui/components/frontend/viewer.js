// The frame that an image is looked at in: larger, smaller, moved, brighter, with more contrast, in pixels or smooth.

import { imageAddress } from "./dom.js";

const LARGEST_PIXEL = 48; // screen pixels that one pixel of the image may have
const STEP = 1.25;

export const PLAIN = { brightness: 1, contrast: 1 };

/** Whether an image in this light looks as it is. */
export const isPlain = ({ brightness, contrast }) => brightness === PLAIN.brightness && contrast === PLAIN.contrast;

export class Viewer {
  #item = null;
  #picture = null;
  #base = { width: 0, height: 0 };
  #zoom = 1;
  #x = 0;
  #y = 0;
  #fingers = new Map();
  #watcher = new ResizeObserver(() => this.#fitBase());
  light = PLAIN;
  isSmooth = false;

  /** @param onChange called when the zoom has changed, with it */
  constructor(stage, onChange) {
    this.stage = stage;
    this.onChange = onChange;
    this.#watcher.observe(stage);
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => this.#toggleZoom(event));
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.#fingers.delete(event.pointerId));
  }

  end() {
    this.#watcher.disconnect();
  }

  /** Show a picture that is loaded, fitted to the frame unless the view shall stay as it is. */
  show(item, picture, keepsView = false) {
    this.#item = item;
    this.#picture = picture;
    picture.draggable = false;
    if (!keepsView) this.#reset();
    this.#fitBase();
  }

  fit() {
    this.#reset();
    this.#draw();
  }

  zoom(direction) {
    this.#zoomAt(direction > 0 ? STEP : 1 / STEP, 0, 0);
  }

  pan(right, down) {
    const { width, height } = this.#frame();
    this.#x -= (right * width) / 6;
    this.#y -= (down * height) / 6;
    this.#draw();
  }

  setLight(light) {
    this.light = light;
    this.#draw();
  }

  setSmooth(isSmooth) {
    this.isSmooth = isSmooth;
    this.#draw();
  }

  /** Whole multiples for small images, so that every pixel is as large; never larger than the frame. */
  #fitBase() {
    const { width, height } = this.#frame();
    const { naturalWidth, naturalHeight } = this.#picture ?? {};
    if (!naturalWidth || !width) return;
    // The shape is the picture's, which is upright; the size is the original's, of which it may be a reduced copy.
    const reduced = Math.max(this.#item.width, this.#item.height) / Math.max(naturalWidth, naturalHeight);
    const [across, down] = [naturalWidth * reduced, naturalHeight * reduced];
    const scale = Math.min(width / across, height / down);
    const whole = scale >= 2 ? Math.floor(scale) : scale;
    this.#base = { width: Math.floor(across * whole), height: Math.floor(down * whole), scale: whole };
    this.#draw();
  }

  #reset() {
    this.#zoom = 1;
    this.#x = 0;
    this.#y = 0;
  }

  #draw() {
    const picture = this.#picture;
    if (!picture || !this.#base.width) return;
    const [width, height] = [this.#base.width * this.#zoom, this.#base.height * this.#zoom];
    const frame = this.#frame();
    const [edgeX, edgeY] = [Math.max(0, (width - frame.width) / 2), Math.max(0, (height - frame.height) / 2)];
    this.#x = Math.min(edgeX, Math.max(-edgeX, this.#x));
    this.#y = Math.min(edgeY, Math.max(-edgeY, this.#y));
    const isEnlarged = this.#base.scale * this.#zoom > 1;
    Object.assign(picture.style, {
      width: `${Math.round(width)}px`,
      height: `${Math.round(height)}px`,
      left: `${Math.round((frame.width - width) / 2 + this.#x)}px`,
      top: `${Math.round((frame.height - height) / 2 + this.#y)}px`,
      imageRendering: isEnlarged && !this.isSmooth ? "pixelated" : "auto",
      filter: isPlain(this.light) ? "" : `brightness(${this.light.brightness}) contrast(${this.light.contrast})`,
    });
    this.stage.classList.toggle("zoomed", this.#zoom > 1);
    if (width > picture.naturalWidth) this.#sharpen();
    this.onChange({ zoom: this.#zoom, scale: this.#base.scale * this.#zoom, isEnlarged });
  }

  /** A large image comes as a reduced copy; whoever looks closer gets all of it. */
  #sharpen() {
    const [item, picture] = [this.#item, this.#picture];
    if (picture.naturalWidth >= item.width || picture.dataset.full) return;
    picture.dataset.full = "asked";
    const full = new Image();
    full.src = imageAddress(item, Infinity);
    full.decode().then(() => (picture.src = full.src), () => {}); // the copy stays if it cannot be had
  }

  #zoomAt(factor, x, y) {
    const most = Math.max(4, LARGEST_PIXEL / this.#base.scale);
    const zoom = Math.min(most, Math.max(1, this.#zoom * factor));
    // The point under the pointer stays where it is; (x, y) counts from the middle of the frame.
    this.#x = x - ((x - this.#x) * zoom) / this.#zoom;
    this.#y = y - ((y - this.#y) * zoom) / this.#zoom;
    this.#zoom = zoom;
    this.#draw();
  }

  #frame() {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }

  #point(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  #wheel(event) {
    if (!this.#picture) return;
    event.preventDefault();
    this.#zoomAt(Math.exp(-event.deltaY / 400), ...this.#point(event));
  }

  #toggleZoom(event) {
    if (this.#zoom > 1) this.fit();
    else this.#zoomAt(2.5, ...this.#point(event));
  }

  #down(event) {
    if (event.button) return;
    this.#fingers.set(event.pointerId, this.#point(event));
    this.stage.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, now);
    if (other) {
      const apart = (a, b) => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
      this.#zoomAt(apart(now, other) / apart(before, other), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else if (this.#zoom > 1) {
      this.#x += now[0] - before[0];
      this.#y += now[1] - before[1];
      this.#draw();
    }
  }
}

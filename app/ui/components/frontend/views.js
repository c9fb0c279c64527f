// What the model sees of an image, and copies changed by rules: drawn as `ssmae` prepares and augments images, for a
// person to look at. Close to it, not equal to the last bit.

import { el } from "./dom.js";

/**
 * @param picture a loaded image
 * @param side of what the model sees, in pixels
 * @param rules how each changed copy is made; lengths are shares of the side
 * @returns figures: the unchanged image first
 */
export function viewsOf(picture, side, rules) {
  const seen = fitted(picture, side);
  return [figure(seen, "As it is"), ...rules.map((rule, at) => figure(changed(seen, side, rule), `Copy ${at + 1}`, rule))];
}

/** The whole image in a square, the rest filled with its mean colour. */
function fitted(picture, side) {
  const canvas = square(side);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  const { naturalWidth: width, naturalHeight: height } = picture;
  const scale = side / Math.max(width, height);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const mean = square(1);
  mean.getContext("2d").drawImage(picture, 0, 0, 1, 1);
  const [red, green, blue] = mean.getContext("2d").getImageData(0, 0, 1, 1).data;
  pen.fillStyle = `rgb(${red} ${green} ${blue})`;
  pen.fillRect(0, 0, side, side);
  pen.drawImage(picture, Math.floor((side - w) / 2), Math.floor((side - h) / 2), w, h);
  return canvas;
}

/** Moved, turned, zoomed, sheared and perhaps mirrored; beyond its edges the image is reflected. */
function changed(seen, side, rule) {
  const canvas = square(side);
  const pen = canvas.getContext("2d");
  pen.translate(side / 2, side / 2);
  pen.rotate((rule.degrees * Math.PI) / 180);
  pen.transform(rule.scale, 0, rule.shear * rule.scale, rule.scale, rule.right * side, rule.down * side);
  for (const column of [-1, 0, 1]) {
    for (const row of [-1, 0, 1]) {
      pen.save();
      pen.translate(column * side, row * side);
      pen.scale((column === 0) === rule.is_mirrored ? -1 : 1, row === 0 ? 1 : -1);
      pen.drawImage(seen, -side / 2, -side / 2);
      pen.restore();
    }
  }
  return canvas;
}

function figure(canvas, words, rule) {
  const frame = el("div", { className: "frame" }, canvas);
  if (rule) {
    canvas.style.filter = `brightness(${rule.brightness}) contrast(${rule.contrast}) saturate(${rule.saturation})`;
    const erased = el("span", { className: "erased" });
    const place = { left: rule.erased_x, top: rule.erased_y, width: rule.erased_side, height: rule.erased_side };
    for (const [name, share] of Object.entries(place)) erased.style[name] = `${100 * share}%`;
    frame.append(erased);
  }
  return el("figure", {}, frame, el("figcaption", { textContent: words }));
}

function square(side) {
  return el("canvas", { width: side, height: side });
}

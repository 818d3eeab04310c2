// Taps on a plan: the two points whose distance is known, and the corners of a zone. The forms below say the same typed.
const svg = document.getElementById("drawing");

function place(event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const held = (value, most) => Math.round(Math.min(Number(most), Math.max(0, value)) * 10) / 10;
  return [held(at.x, svg.dataset.width), held(at.y, svg.dataset.height)];
}

function read(text) {
  return [...text.matchAll(/(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

function edit() {
  const field = (id) => document.getElementById(id);
  const points = field("points");
  const hint = field("hint");
  const mode = () => document.querySelector("input[name=mode]:checked").value;
  const show = () => field("drawn").setAttribute("points", read(points.value).map((point) => point.join(",")).join(" "));
  const tell = () => {
    hint.textContent = hint.dataset[mode()];
  };
  const mark = (end) => {
    const [point] = read(field(end).value);
    if (!point) return;
    field(`mark-${end}`).setAttribute("transform", `translate(${point[0]} ${point[1]})`);
    const number = end === "a" ? 1 : 2;
    field("ruler").setAttribute(`x${number}`, point[0]);
    field("ruler").setAttribute(`y${number}`, point[1]);
  };
  svg.addEventListener("click", (event) => {
    const point = place(event).join(",");
    if (mode() === "zone") {
      points.value = `${points.value.trim()} ${point}`.trim();
      show();
    } else {
      field(mode()).value = point;
      mark(mode());
    }
  });
  points.addEventListener("input", show);
  for (const end of ["a", "b"]) field(end).addEventListener("input", () => mark(end));
  for (const radio of document.querySelectorAll("input[name=mode]")) radio.addEventListener("change", tell);
  field("undo").addEventListener("click", () => {
    points.value = points.value.trim().split(/\s+/).slice(0, -1).join(" ");
    show();
  });
  field("zone").addEventListener("change", ({ target }) => {
    const chosen = target.selectedOptions[0];
    points.value = chosen.dataset.points ?? "";
    field("zone-name").value = target.value ? chosen.textContent : "";
    show();
  });
  tell();
}

if (svg) edit();

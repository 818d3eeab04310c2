// The arrivals over time, drawn by uPlot, with a dashed line at how many signed up.
import uPlot from "../vendor/uplot/uPlot.mjs";
import { clockTime } from "./clock.js";
import { say } from "./words.js";

const HEIGHT_REM = 9.2;
// A night that has only begun is drawn over at least this long, or its first minutes look like a wall.
const SPAN_LEAST_S = 30 * 60;
const TICK_REM = 4.2; // the least space between two times under the curve

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const remOf = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

export class Curve {
  #plot = null;
  #signedUp = 0;
  #data = [[], []];

  constructor(container, timeZone) {
    this.container = container;
    this.timeZone = timeZone;
    new ResizeObserver(() => this.#size()).observe(container);
    document.addEventListener("muster:theme", () => this.#rebuild());
  }

  update(event, now) {
    const points = (event.curve ?? []).map(([at, count]) => [new Date(at).getTime() / 1000, count]);
    const arrived = event.figures?.arrived ?? points.at(-1)?.[1] ?? 0;
    this.#signedUp = event.figures?.signed_up ?? 0;
    const until = now.getTime() / 1000;
    const opens = Math.min(...(event.event?.steps ?? []).map((step) => new Date(step.opens_at ?? step.starts_at).getTime() / 1000), points[0]?.[0] ?? until);
    if (points.length && points[0][0] > opens && opens < until) points.unshift([opens, 0]);
    if (points.length && points.at(-1)[0] < until) points.push([until, points.at(-1)[1]]);
    this.#data = [points.map(([x]) => x), points.map(([, y]) => y)];
    this.container.setAttribute("aria-label", points.length ? say("curve_says", { count: arrived, time: clockTime(now, this.timeZone()), signed_up: this.#signedUp }) : say("curve_empty"));
    this.container.dataset.last = String(points.at(-1)?.[1] ?? 0);
    this.container.dataset.empty = points.length ? "" : say("curve_empty");
    if (!this.#plot) this.#rebuild();
    else this.#plot.setData(this.#data);
  }

  #size() {
    const width = this.container.clientWidth;
    if (this.#plot && width && Math.abs(width - this.#plot.width) > 1) this.#rebuild();
  }

  #rebuild() {
    const width = this.container.clientWidth;
    if (!width) return;
    this.#plot?.destroy();
    const rem = remOf();
    const font = `500 ${0.75 * rem}px ${getComputedStyle(document.body).fontFamily}`;
    const zone = this.timeZone();
    const fire = colour("--fire-fill");
    const fill = (plot) => {
      const shade = plot.ctx.createLinearGradient(0, plot.bbox.top, 0, plot.bbox.top + plot.bbox.height);
      shade.addColorStop(0, `${fire}44`);
      shade.addColorStop(1, `${fire}08`);
      return shade;
    };
    this.#plot = new uPlot(
      {
        width,
        height: HEIGHT_REM * rem,
        padding: [0.4 * rem, 1.1 * rem, 0, 1.1 * rem],
        legend: { show: false },
        cursor: { show: false },
        select: { show: false },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
        scales: {
          x: { time: true, range: (_, from, to) => [from, Math.max(to, from + SPAN_LEAST_S)] },
          y: { range: (_, __, most) => [0, Math.max(4, this.#signedUp, most ?? 0) * 1.1] },
        },
        axes: [
          {
            font,
            stroke: colour("--faint"),
            grid: { show: false },
            ticks: { show: false },
            border: { show: false },
            size: 1.7 * rem,
            gap: 0.45 * rem,
            space: TICK_REM * rem,
            values: (_, splits) => splits.map((seconds) => clockTime(seconds * 1000, zone)),
          },
          { show: false },
        ],
        series: [
          {},
          { stroke: fire, width: 0.18 * rem, fill, paths: uPlot.paths.spline(), points: { show: false } },
        ],
        hooks: { draw: [(plot) => this.#signedUpLine(plot, rem, font)] },
      },
      this.#data,
      this.container,
    );
  }

  #signedUpLine(plot, rem, font) {
    const { ctx: pen } = plot;
    const ratio = devicePixelRatio || 1;
    const { left, width } = plot.bbox;
    pen.save();
    if (this.#signedUp > 0) {
      const y = Math.round(plot.valToPos(this.#signedUp, "y", true));
      pen.strokeStyle = colour("--edge");
      pen.lineWidth = ratio;
      pen.setLineDash([4 * ratio, 5 * ratio]);
      pen.beginPath();
      pen.moveTo(left, y);
      pen.lineTo(left + width, y);
      pen.stroke();
      pen.setLineDash([]);
      pen.fillStyle = colour("--faint");
      pen.font = font.replace(/[\d.]+px/, `${0.75 * rem * ratio}px`);
      pen.textAlign = "left";
      pen.textBaseline = "top";
      pen.fillText(say("signed_up_line", { count: this.#signedUp }), left + 2 * ratio, y + 0.3 * rem * ratio);
    }
    const last = this.#data[0].length - 1;
    if (last >= 0) {
      pen.fillStyle = colour("--fire-fill");
      pen.beginPath();
      pen.arc(plot.valToPos(this.#data[0][last], "x", true), plot.valToPos(this.#data[1][last], "y", true), 0.27 * rem * ratio, 0, 7);
      pen.fill();
    }
    pen.restore();
  }
}

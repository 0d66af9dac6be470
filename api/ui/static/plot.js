// Stats of a host over time, drawn by uPlot out of the JSON that each box carries.

function plot(box) {
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const lines = ["--accent", "--changed", "--ok", "--unreachable"];
  const { at, series } = JSON.parse(box.dataset.plot);
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const options = {
    width: box.clientWidth, height: 180, legend: { show: series.length > 1 }, cursor: { drag: { setScale: true } },
    axes: [axis, { ...axis, size: 56 }],
    series: [{}, ...series.map((one, n) => ({ label: one.label, stroke: colour(lines[n % lines.length]), width: 1.5, points: { show: at.length < 40 } }))],
  };
  const drawn = new uPlot(options, [at, ...series.map((one) => one.values)], box);
  new ResizeObserver(() => drawn.setSize({ width: box.clientWidth, height: 180 })).observe(box);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-plot]").forEach(plot));

// Charts by Apache ECharts: what to draw is an ECharts option in the JSON beside the canvas, made by the server. How numbers
// and times are written is said here, by the page's language; and how large a chart is, on paper too.

const INK = "#18262a";
/** Pixels of a chart: on A4 between its margins, and the height of one without rows. */
const PAPER_WIDTH = 680;
const PAPER_HEIGHT = 290;
/** A chart with a row for each thing: its parts stand side by side where there is room for them, else below one another. */
const ROW = 17;
const AROUND_ROWS = 80;
const SIDE_BY_SIDE = 600;

const language = document.documentElement.lang;
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const shares = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const months = new Intl.DateTimeFormat(language, { month: "short", timeZone: "UTC" });

const number = (value) => (typeof value === "number" ? numbers.format(value) : "–");
const hour = (moment) => new Date(moment).toISOString().slice(11, 16).replace(":", ".");
const day = (moment) => `${new Date(moment).getUTCDate()} ${months.format(moment)}`;
const moment = (value) => (hour(value) === "00.00" ? day(value) : hour(value));

const sourceOf = (canvas) => document.querySelector(`script[data-chart-of="${canvas.id}"]`);
const all = (part) => (part === undefined ? [] : [part].flat());

function axis(given) {
  const formatter = { value: number, time: moment }[given.type];
  return formatter ? { ...given, axisLabel: { ...given.axisLabel, formatter } } : given;
}

// A point may carry a name of its own, and a third value that is told instead of the one that is drawn.
function told(points) {
  const [first] = points;
  const head = first.axisType.endsWith(".time") ? `${day(first.axisValue)} ${hour(first.axisValue)}` : first.name;
  const lines = points.map(({ data, seriesName, value }) => {
    const many = Array.isArray(value) ? value[2] ?? value[1] : value;
    return `${data?.name ?? seriesName}: ${number(many)}`;
  });
  return [head, ...lines].join("\n");
}

function optionOf(canvas) {
  const { rows, ...given } = JSON.parse(sourceOf(canvas).textContent);
  canvas.dataset.rows = rows ?? "";
  canvas.dataset.columns = all(given.grid).length;
  const option = { animation: false, textStyle: { color: INK, fontFamily: "inherit" }, ...given };
  for (const name of ["xAxis", "yAxis"]) option[name] = all(given[name]).map(axis);
  // Written into the canvas: a tooltip of HTML would need styles that the page may not have.
  option.tooltip = { ...given.tooltip, renderMode: "richText", confine: true, formatter: told };
  option.series = all(given.series).map((series) =>
    series.label ? { ...series, label: { ...series.label, formatter: ({ value }) => shares.format(value) } } : series);
  return option;
}

function fit(canvas, chart, paper = false) {
  const width = paper ? PAPER_WIDTH : canvas.clientWidth;
  const rows = Number(canvas.dataset.rows);
  const parts = Number(canvas.dataset.columns);
  const columns = width >= SIDE_BY_SIDE ? parts : 1;
  if (rows) canvas.style.height = `${Math.ceil(rows / columns) * ROW + (AROUND_ROWS * parts) / columns}px`;
  chart.resize(paper ? { width, height: rows ? canvas.clientHeight : PAPER_HEIGHT } : { width: "auto", height: "auto" });
}

export function draw(canvas) {
  if (!sourceOf(canvas) || !window.echarts) return;
  window.echarts.getInstanceByDom(canvas)?.dispose();
  const option = optionOf(canvas);
  const sharp = Math.max(2, window.devicePixelRatio);
  const chart = window.echarts.init(canvas, null, { renderer: "canvas", devicePixelRatio: sharp });
  chart.setOption(option);
  const observer = new ResizeObserver(() => {
    if (canvas.isConnected) return fit(canvas, chart);
    observer.disconnect();
    chart.dispose();
  });
  observer.observe(canvas);
  fit(canvas, chart);
}

/** Draw what has changed in a chart's JSON. */
export function redraw(canvas) {
  const chart = window.echarts?.getInstanceByDom(canvas);
  if (!chart) return;
  chart.setOption(optionOf(canvas), { replaceMerge: ["series"] });
  fit(canvas, chart);
}

function forPaper(paper) {
  document.querySelectorAll("[data-chart]").forEach((canvas) => {
    const chart = window.echarts?.getInstanceByDom(canvas);
    if (!chart) return;
    fit(canvas, chart, paper);
    chart.getZr().refreshImmediately();
  });
}
window.addEventListener("beforeprint", () => forPaper(true));
window.addEventListener("afterprint", () => forPaper(false));

// Charts by Apache ECharts: what to draw is an ECharts option in the JSON beside the canvas, made by the server.

const INK = "#18262a";

export function draw(canvas) {
  const source = document.querySelector(`script[data-chart-of="${canvas.id}"]`);
  if (!source || !window.echarts) return;
  const old = window.echarts.getInstanceByDom(canvas);
  if (old) old.dispose();
  const chart = window.echarts.init(canvas, null, { renderer: "canvas" });
  const option = JSON.parse(source.textContent);
  chart.setOption({ animation: false, textStyle: { color: INK, fontFamily: "inherit" }, ...option });
  new ResizeObserver(() => chart.resize()).observe(canvas);
  window.addEventListener("beforeprint", () => chart.resize());
}

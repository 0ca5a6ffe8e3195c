/* Draws what stands in the table below each chart. Without this the tables stand open, and say the same. */
(() => {
  "use strict";

  const HEIGHT = 240;
  const DAY = 86400;
  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6]; // nobody counts half leads
  const language = document.documentElement.lang;
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const bars = uPlot.paths.bars({ size: [0.6, 28], radius: 0.2 });

  /* The colours are those of the page, as they are at this moment: light or dark. */
  function colour(name) {
    const probe = document.createElement("span");
    probe.className = `tone-${name}`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  const LOOKS = {
    line: () => ({ stroke: colour("views"), width: 2, points: { show: false }, scale: "second" }),
    bars: () => ({ stroke: colour("bars"), fill: colour("bars"), width: 0, paths: bars, points: { show: false } }),
    rate: () => ({ stroke: colour("leads"), fill: colour("tint"), width: 2, spanGaps: true, points: { size: 5 } }),
  };

  function options({ series }, width, dayLabel) {
    const isRate = series.every(({ kind }) => kind === "rate");
    const shown = (value) => (value === null || value === undefined ? "–" : (isRate ? share : whole).format(value));
    const fromNothing = { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] };
    const axis = { stroke: colour("axis"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false } };
    const amounts = { ...axis, size: 52, incrs: isRate ? undefined : STEPS, values: (_, at) => at.map(shown) };
    const second = series.find(({ kind }) => kind === "line");
    const axes = [
      { ...axis, grid: { show: false }, space: 64, size: 32, values: (_, at) => at.map((each) => day.format(each * 1000)) },
      { ...amounts, label: second ? series[0].label : undefined, labelSize: 20 },
    ];
    if (second) axes.push({ ...amounts, scale: "second", side: 1, grid: { show: false }, label: second.label, labelSize: 20 });
    return {
      width,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { range: (_, first, last) => [first - DAY / 2, last + DAY / 2] }, y: fromNothing, second: fromNothing },
      axes,
      series: [
        { label: dayLabel, value: (_, at) => (at ? day.format(at * 1000) : "–") },
        ...series.map(({ label, kind }) => ({ label, ...LOOKS[kind](), value: (_, value) => shown(value) })),
      ],
    };
  }

  function draw(figure) {
    const chart = JSON.parse(figure.dataset.chart);
    const box = figure.querySelector(".plot");
    const details = figure.querySelector("details");
    let plot = null;
    box.hidden = false;
    details.open = false;
    const again = () => {
      if (plot) plot.destroy();
      plot = new uPlot(options(chart, box.clientWidth, figure.dataset.day), [chart.days, ...chart.series.map(({ values }) => values)], box);
    };
    again();
    new ResizeObserver(() => plot.width !== box.clientWidth && plot.setSize({ width: box.clientWidth, height: HEIGHT })).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }

  for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
})();

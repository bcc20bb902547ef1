// Charts of reports and of the dashboard, @errata/evaluation/charts: one code for both, as markup in text. Needs no model and no Node.
export { chartStyle } from './chart-style.ts';
export { type HeatMap, heatMap } from './heat-map.ts';
export { type Html, html, raw } from './html.ts';
export { type ChartPoint, type ChartSeries, type LineChart, lineChart } from './line-chart.ts';
export { type CurvedRun, metricCharts } from './metric-charts.ts';
export { retentionChart } from './retention-chart.ts';
export { type DrawnTracing, tracingMaps } from './tracing-maps.ts';

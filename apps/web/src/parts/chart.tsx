// A chart or a heat map, by the code that draws those of reports.
import { chartStyle, type Html } from '@errata/evaluation/charts';
import './chart.css';

let styled = false;

/** The page's policy lets no style stand in the markup: a sheet is added as an object. */
function addStyle(): void {
  if (styled) return;
  styled = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(chartStyle);
  document.adoptedStyleSheets.push(sheet);
}

export function Charts({ drawn }: { readonly drawn: readonly Html[] }) {
  addStyle();
  return (
    <div className="charts card">
      {drawn.map(({ html }) => (
        // biome-ignore lint/security/noDangerouslySetInnerHtml: markup of our own, in which all that is not is escaped
        <div key={html} dangerouslySetInnerHTML={{ __html: html }} />
      ))}
    </div>
  );
}

// Writes docs/metrics.md from the catalogue of metrics: `npm run docs:metrics`. A test holds the page to the catalogue.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type MetricDefinition, type MetricFamily, metricFamilies, readings, readingTitles } from '@errata/contracts';

const endings = readings.map((reading) => `\`.${reading}\``).join(', ');

/** Metrics that differ only in how an answer is read share a row. */
function rows({ metrics }: MetricFamily): readonly string[] {
  const seen = new Set<string>();
  return metrics.flatMap((metric) => {
    const stem = stemOf(metric);
    if (stem === undefined) return [row(metric, `\`${metric.id}\``, metric.title, metric.definition)];
    if (seen.has(stem)) return [];
    seen.add(stem);
    const strip = (text: string) => text.replaceAll(`.${readings[0]}\``, '.*`');
    const title = metric.title.replace(`, ${readingTitles[readings[0]]}`, '');
    return [row(metric, `\`${stem}.*\``, title, strip(metric.definition))];
  });
}

function stemOf({ id }: MetricDefinition): string | undefined {
  const reading = readings.find((each) => id.endsWith(`.${each}`));
  return reading === undefined ? undefined : id.slice(0, -reading.length - 1);
}

const row = (
  { version, unit, better, level, source }: MetricDefinition,
  id: string,
  title: string,
  definition: string,
) => `| ${[id, version, title, `${unit}, ${better}`, level, definition, source].map(cell).join(' | ')} |`;

const cell = (content: string | number): string => String(content).replaceAll('|', '\\|');

const family = (each: MetricFamily): string => `## ${each.title}

${each.about}

| id | version | title | unit, better | of a | definition | source |
|---|---|---|---|---|---|---|
${rows(each).join('\n')}
`;

/** The page as it should be. */
export function metricsPage(): string {
  return `# Metrics

Every number of an evaluation has a name and a version. A row holds one metric of one case: \`{case_id, moment, edits, metric, version, value,
before, count}\`, where \`value\` is the mean over \`count\` prompts of the case on the version evaluated, \`before\` the same on its parent, \`moment\`
says when in a protocol the case was tested (\`once\`: right after its own edit, \`curve\`: along the stream, \`end\`: after all edits) and \`edits\`
how many edits the model had by then. The digest of an evaluation is over its rows and cases in canonical order, so that it does not depend on who
found them; numbers under different versions of a metric are never compared.

A metric \`name.*\` comes in three readings (${endings}):

| reading | what counts |
|---|---|
| \`.token\` | the fraction of the expected tokens that the model puts first, those before being given to it: what papers report as rewrite accuracy |
| \`.all\` | 1 where all of them are |
| \`.exact\` | 1 where free greedy generation from the prompt alone yields the expected text: a target or one of its aliases, case, outer punctuation and spacing aside, with an end of text, line or clause behind it |

Means are over cases, each case counting once, with bootstrap intervals over cases; the mean over all prompts is given beside it. Metrics of a
\`run\` are computed from a whole run and have no row for a case; those of a \`candidate\` are measured for a gate. Which a gate may bound, and under which
shorter names, is in [gates.md](gates.md).

${metricFamilies.map(family).join('\n')}`;
}

const page = fileURLToPath(new URL('../docs/metrics.md', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, metricsPage());

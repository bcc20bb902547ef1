// Writes docs/errors.md from the catalogue of errors: `npm run docs:errors`. A test holds the page to the catalogue.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorCatalogue } from '@errata/contracts';
import { asErrataError } from '@errata/engine';
import { ModelError, type ModelErrorCode, modelErrorCatalogue } from '@errata/models';

/** The code under which a rule of models that is broken comes. */
const codeOf = (rule: ModelErrorCode): string =>
  asErrataError(new ModelError(rule, { where: '', what: '', hint: '' })).code;

/** The page as it should be. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, title, retryable }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : ''} | ${title} |`,
  );
  const rules = (Object.entries(modelErrorCatalogue) as [ModelErrorCode, string][]).map(
    ([rule, meaning]) => `| \`${rule}\` | \`${codeOf(rule)}\` | ${meaning} |`,
  );
  return `# Errors

Every failure that Errata knows has one code. Over HTTP it is a problem document (RFC 9457):

\`\`\`json
{
  "type": "urn:errata:error:subject_not_in_prompt", "title": "...", "status": 422, "detail": "what was wrong, in this case",
  "code": "subject_not_in_prompt", "request_id": "...", "retryable": false,
  "errors": [{ "code": "subject_not_in_prompt", "line": 3, "field": "subject", "message": "..." }]
}
\`\`\`

\`errors\` locates each complaint by \`line\` (of a JSONL body) or \`pointer\` (into a JSON body). \`retryable\` says whether the same request can succeed
later. The command line prints the same fields, and \`--json\` prints them as \`{"error": {...}}\`. Codes are never reused.

| code | status | retryable | meaning |
|---|---|---|---|
${rows.join('\n')}

## What is wrong with a model

Where a model, its tokenizer, a text for it or a delta cannot be used, \`details.rule\` says which rule was broken; \`details.where\`, \`what\` and \`hint\` say
where, how, and what to do about it. Rules are never reused either.

| rule | code | meaning |
|---|---|---|
${rules.join('\n')}
`;
}

const page = fileURLToPath(new URL('../docs/errors.md', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, errorsPage());

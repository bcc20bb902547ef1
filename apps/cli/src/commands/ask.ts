// errata ask: the answer of any version to a prompt, or to a message.
import type { Command } from 'commander';
import colors from 'picocolors';
import { atLeastOne, numberIn } from '../arguments/numbers.ts';
import { printJson, short } from '../output/output.ts';
import { connect } from '../service/connection.ts';

interface Options {
  readonly maxTokens?: number;
  readonly temperature: number;
  readonly chat?: true;
  readonly json?: true;
}

/** Tokens of an answer at most, where nothing is said: to the end of a statement, or a few paragraphs. */
const usualTokens = { prompt: 8, chat: 512 };

export function register(program: Command): void {
  program
    .command('ask <model[@branch|@version]> <prompt...>')
    .description('complete prompts on a branch or a version, or with --chat answer messages')
    .option('--chat', "the prompts are turns of a conversation, read by the model's chat template")
    .option(
      '--max-tokens <n>',
      `tokens to generate (default: ${usualTokens.prompt}, with --chat ${usualTokens.chat})`,
      atLeastOne,
    )
    .option('--temperature <t>', '0 is greedy', numberIn(0, 5), 0)
    .option('--json', 'print JSON')
    .action((model: string, prompts: string[], options: Options) =>
      options.chat ? chat(model, prompts, options) : complete(model, prompts, options),
    );
}

async function complete(model: string, prompts: string[], { maxTokens, temperature, json }: Options): Promise<void> {
  const answer = await connect().completions.create({
    model,
    prompt: prompts,
    max_tokens: maxTokens ?? usualTokens.prompt,
    temperature,
    stop: '\n',
  });
  if (json) return printJson(answer);
  for (const choice of answer.choices) console.log(`${prompts[choice.index]}${colors.green(choice.text)}`);
  console.log(colors.dim(short(answer.version)));
}

/** The prompts are one side of a conversation, each after the answer to the one before. Answers are shown as they are written. */
async function chat(model: string, prompts: string[], { maxTokens, temperature, json }: Options): Promise<void> {
  const { completions } = connect().chat;
  const messages: { role: 'user' | 'assistant'; content: string }[] = [];
  let version = '';
  for (const prompt of prompts) {
    messages.push({ role: 'user', content: prompt });
    const request = { model, messages, max_tokens: maxTokens ?? usualTokens.chat, temperature };
    let answer = '';
    if (json) {
      const whole = await completions.create(request);
      printJson(whole);
      answer = whole.choices[0]?.message.content ?? '';
    } else {
      for await (const chunk of completions.stream(request)) {
        const piece = chunk.choices[0]?.delta.content ?? '';
        process.stdout.write(colors.green(piece));
        answer += piece;
        version = chunk.version;
      }
      process.stdout.write('\n');
    }
    messages.push({ role: 'assistant', content: answer });
  }
  if (!json) console.log(colors.dim(short(version)));
}

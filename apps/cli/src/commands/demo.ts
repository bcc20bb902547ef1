// errata demo: a story told on the shipped model, or a model of the user's, on a stack of its own that is gone afterwards.
import { Argument, type Command } from 'commander';
import { ownCast, shippedCast } from '../demos/casts.ts';
import { lifelong } from '../demos/lifelong.ts';
import { mainJob } from '../demos/main-job.ts';
import { onStage, type Story } from '../demos/stage.ts';
import { printJson } from '../output/output.ts';

interface Options {
  model?: string;
  json?: true;
}

const stories = {
  main: async ({ model }) => mainJob(await (model === undefined ? shippedCast() : ownCast(model))),
  lifelong: async () => lifelong,
} satisfies Record<string, (options: Options) => Promise<Story>>;

export function register(program: Command): void {
  program
    .command('demo')
    .description('tell a story on a stack of its own, then stop everything')
    .addArgument(
      new Argument('[story]', 'main: corrections and undo; lifelong: news all day, one bad edit, found and taken back')
        .choices(Object.keys(stories))
        .default('main'),
    )
    .option('--model <model>', 'main only: tell it about a model of your own, given as to errata import')
    .option('--json', 'tell it on standard error, and print what it found as JSON')
    .action(async (story: keyof typeof stories, options: Options, command: Command) => {
      if (options.model !== undefined && story !== 'main')
        command.error(`error: ${story} is told on the shipped model: leave --model out`);
      const found = await onStage(await stories[story](options), options.json ? console.error : console.log);
      if (options.json) printJson(found);
    });
}

// How soon a job is to be done: an option of commands that submit one.
import { priorities } from '@errata/contracts';
import { Option } from 'commander';

export const priorityOption = (): Option =>
  new Option('--priority <priority>', 'before what else your key has waiting, or behind everybody else')
    .choices(priorities)
    .default('normal');

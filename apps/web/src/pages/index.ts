// Every page, in the order of the navigation: a page is a folder here and a line.
import { homeRoute } from './home/index.ts';
import { jobRoute, jobsRoute } from './jobs/index.ts';

export const pages = [homeRoute, jobsRoute, jobRoute] as const;

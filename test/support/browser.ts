// A browser for tests: Chromium where it is installed, or what CHROMIUM names.
import { existsSync } from 'node:fs';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Its path; undefined where there is none. */
export const findBrowser = (): string | undefined => process.env.CHROMIUM ?? places.find((path) => existsSync(path));

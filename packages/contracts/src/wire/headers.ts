// Headers of ours that requests bring. Pages in browsers need them without the schemas.

/** In which a request that a session makes, other than a GET, proves that a page of the service sent it. */
export const csrfHeader = 'x-errata-csrf';

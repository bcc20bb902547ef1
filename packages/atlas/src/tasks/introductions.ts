// How a new fact is announced, in words that the training text announces new facts with.

export const introductions = ['New fact:', 'Update:', 'Correction:', 'Note:', 'Breaking news:'] as const;

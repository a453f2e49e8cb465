/** The schema's own formats. */
import { isSizeText, parseSize } from './sizes.js';

/** What is no size at all is the pattern's to refuse. */
export const isNotTooLarge = (text: string): boolean => !isSizeText(text) || parseSize(text) !== undefined;

export const sizeFormats = { size: isNotTooLarge };

// What may stand in a field that ends up as text in the database or on a page; the rule itself lies
// lower, where cores reach it.

export { isPlainText } from '../../../shared/documents/plain-text.ts'

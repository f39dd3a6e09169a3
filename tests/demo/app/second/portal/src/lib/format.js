'use strict';

/** Cents as text with two decimals. */
function money(cents, currency = 'EUR') {
  return `${(cents / 100).toFixed(2)} ${currency}`;
}

/** Copy the values of one object into another, all the way down. */
function merge(target, source) {
  for (const key in source) {
    if (!Object.hasOwn(source, key) || key === '__proto__') {
      continue;
    }
    if (typeof source[key] === 'object' && source[key] !== null) {
      target[key] = merge(target[key] || {}, source[key]);
    } else {
      target[key] = source[key];
    }
  }
  return target;
}

module.exports = { merge, money };

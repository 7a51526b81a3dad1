// What was asked and what was answered, in the order of the asking.
'use strict';

// Entries from the one numbered `since` whose answer is none of `statuses`.
function strange(entries, statuses, since = 0) {
  return entries
    .slice(since)
    .filter((e) => e.answered && !statuses.includes(e.status))
    .map(({ name, status, text, error, sent, answered }) =>
      ({ name, status, text, error, sent, answered }));
}

class Journal {
  constructor() {
    this.entries = []; // { name, sent, answered, and status, text or error }
  }

  // Asks once; whatever comes of it is an entry.
  async ask(name, act) {
    const entry = { name, sent: Date.now() };
    this.entries.push(entry);
    try {
      const { status, text } = await act();
      Object.assign(entry, { status, text });
    } catch (error) {
      entry.error = error.code ?? error.message;
    }
    entry.answered = Date.now();
    return entry;
  }

  not(statuses, since = 0) {
    return strange(this.entries, statuses, since);
  }

  // How many of a name were answered well, of those from the one numbered `since`.
  well(name, since = 0) {
    return this.entries.slice(since).filter((e) => e.name === name && e.status === 200).length;
  }
}

module.exports = { Journal, strange };

// A current ClickHouse as a library (scripts/chdb.sh) behind the HTTP that the
// product speaks.  It keeps nothing: the tables are made and the records put in
// before each question, a topic's file where Kafka would be.
'use strict';

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { makeFolder, root } = require('../../api/lib/store');

const script = path.join(root, 'scripts/chdb.sh');
const sql = (name) => fs.readFileSync(path.join(root, 'deploy/clickhouse', name), 'utf8');

// What the server's profile has (scripts/clickhouse.sh).
const PROFILE = `
SET input_format_skip_unknown_fields = 1, input_format_allow_errors_num = 1000000;
CREATE DATABASE overround; USE overround;
`;
const ENGINE = /(\w+)_in \(([^;]*)\) ENGINE = Kafka[^;]*kafka_format = '(\w+)'[^;]*;/g;

function run(statements) {
  return new Promise((resolve, reject) => {
    const child = execFile(script, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim().split('\n').at(-1)));
      else resolve(stdout);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(statements);
  });
}

class Chdb {
  constructor() {
    this.folder = makeFolder('overround-chdb');
    this.topics = {};
    const views = sql('2_kafka.sql').replace(ENGINE, (all, topic, columns, format) => {
      this.topics[topic] = `${format}, '${columns}'`;
      return `${topic}_in (${columns}) ENGINE = Null;`;
    });
    this.schema = [PROFILE, sql('1_tables.sql'), views, sql('current.sql')].join('\n');
  }

  // Records of a topic, as one more insert.
  tell(topic, lines) {
    const file = path.join(this.folder, String(fs.readdirSync(this.folder).length));
    fs.writeFileSync(file, `${lines.join('\n')}\n`);
    const rows = `SELECT * FROM file('${file}', ${this.topics[topic]})`;
    this.schema += `\nINSERT INTO ${topic}_in ${rows};`;
  }

  // What the last statement answers.
  ask(statements) {
    return run(`${this.schema}\n${statements}`);
  }

  // Rows of a query: arrays of text.
  async rows(statements) {
    const text = await this.ask(statements);
    return text.split('\n').filter(Boolean).map((line) => line.split('\t'));
  }

  // As a server; its URL for --analytics.
  async listen() {
    this.server = http.createServer(async (request, response) => {
      try {
        const { searchParams } = new URL(request.url, 'http://localhost');
        if (searchParams.get('database') !== 'overround') throw new Error('another database');
        response.end(await this.ask(Buffer.concat(await request.toArray()).toString()));
      } catch (error) {
        response.statusCode = 500;
        response.end(error.message);
      }
    });
    await new Promise((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${this.server.address().port}/overround`;
  }

  stop() {
    this.server?.closeAllConnections();
    this.server?.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Chdb, run };

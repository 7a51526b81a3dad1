// One line for each finding, as the rest of `make lint` has them.
import path from 'node:path';

export default function format(results) {
  const lines = results.flatMap(({ filePath, messages }) =>
    messages.map(({ line = 1, ruleId, message }) =>
      `${path.relative(process.cwd(), filePath)}:${line}: ${ruleId ?? 'eslint'}: ${message}\n`),
  );
  return lines.join('');
}

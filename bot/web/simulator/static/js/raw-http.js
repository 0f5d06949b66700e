const FORM = "application/x-www-form-urlencoded";

/** A request as it went over the wire; a form's fields, which travel in one line, stand below each other. */
export function requestLines(exchange, reveal) {
  return [
    `POST ${reveal ? exchange.path : exchange.masked} HTTP/1.1`,
    `Content-Type: ${FORM}`,
    "",
    exchange.form.replaceAll("&", "\n&"),
  ].join("\n");
}

/** A shell command that sends the same request. */
export function asCurl(exchange) {
  const fields = Object.entries(exchange.fields).map(([name, value]) => `  --data-urlencode ${quoted(`${name}=${value}`)}`);
  return [`curl -sS -i ${quoted(location.origin + exchange.path)}`, ...fields].join(" \\\n");
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

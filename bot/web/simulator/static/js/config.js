/** What the server tells the page once: codes, addresses, the language and its words. */
export const config = Object.freeze(JSON.parse(document.getElementById("config").textContent));

// Sends the same calls through Segment's SDK for Node: node sending.mjs HOST KEY USER. Prints what went wrong as JSON.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The SDK stands where `make test-clients` installed it, and this file beside the tests.
const installed = createRequire(pathToFileURL(`${process.cwd()}/package.json`));
const { Analytics } = installed("@segment/analytics-node");
const [host, writeKey, userId] = process.argv.slice(2);
const complaints = [];
const product = { product_id: "p-1", name: "Ä lamp", price: 19.9, quantity: 2 };

const analytics = new Analytics({ writeKey, host, maxRetries: 1, flushAt: 20, flushInterval: 50 });
analytics.on("error", (error) => complaints.push(`${error.code}: ${error.reason?.message ?? error.reason}`));
analytics.identify({ userId, traits: { plan: "gold" } });
analytics.page({ userId, name: "Home", properties: { url: "https://shop.example" } });
analytics.track({ userId, event: "Product Added", properties: product });
for (let number = 0; number < 250; number++) {
  analytics.track({ userId, event: "Product Viewed", properties: { product_id: `p-${number}` } });
}
analytics.track({
  userId,
  event: "Order Completed",
  properties: { order_id: `order-of-${userId}`, total: 39.8, products: [product] },
});
await analytics.closeAndFlush({ timeout: 30000 });
const version = installed("@segment/analytics-node/package.json").version;
console.log(JSON.stringify({ version, complaints }));

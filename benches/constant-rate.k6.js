// A constant rate from k6, as benches/peers asks for it.
import http from "k6/http";

export const options = {
  scenarios: {
    constant: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE),
      timeUnit: "1s",
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: 64,
      maxVUs: 1000,
    },
  },
};

export default function () {
  http.get(__ENV.URL);
}

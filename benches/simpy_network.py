"""The station of benches/network in SimPy: an M/G/1 queue with an LRU cache in front of its server, a radio, and devices.

    python benches/simpy_network.py REQUESTS ARRIVAL_RATE_HZ PROMPTS ZIPF_EXPONENT CACHE_ENTRIES \
        SERVICE_S SQUARED_CV AIRTIME_S DEVICES DEVICE_S

Prints as JSON how long the simulation took, and hit rate, wait and latency as [mean, half of the 95 % interval], by 20 batch means over all but
the first twentieth of the requests. Written as SimPy's own examples are: one process per request, one Resource per server.
Needs SimPy 4.
"""

import bisect
import collections
import itertools
import json
import random
import statistics
import sys
import time

import simpy

BATCHES = 20
STUDENT_T_975_19 = 2.093024  # 97.5 % quantile with 19 degrees of freedom


class Station:
    def __init__(self, environment, cache_entries, service_s, squared_cv, airtime_s, devices, device_s):
        self.environment = environment
        self.server = simpy.Resource(environment)
        self.radio = simpy.Resource(environment)
        self.devices = [simpy.Resource(environment) for _ in range(devices)]
        self.cache_entries = cache_entries
        self.shape = 1 / squared_cv
        self.scale_s = service_s * squared_cv
        self.airtime_s = airtime_s
        self.device_s = device_s
        self.cache = collections.OrderedDict()

    def request(self, number, prompt, device, records):
        environment = self.environment
        arrival_s = environment.now
        with self.server.request() as turn:
            yield turn
            wait_s = environment.now - arrival_s
            is_hit = prompt in self.cache
            if is_hit:
                self.cache.move_to_end(prompt)
            else:
                yield environment.timeout(random.gammavariate(self.shape, self.scale_s))
                self.cache[prompt] = True
                if len(self.cache) > self.cache_entries:
                    self.cache.popitem(last=False)
        with self.radio.request() as turn:
            yield turn
            yield environment.timeout(self.airtime_s)
        with self.devices[device].request() as turn:
            yield turn
            yield environment.timeout(self.device_s)
        records[number] = (is_hit, wait_s, environment.now - arrival_s)


def demand(environment, station, requests, rate_hz, prompts, zipf_exponent, records):
    popularity = list(itertools.accumulate(rank**-zipf_exponent for rank in range(1, prompts + 1)))
    devices = len(station.devices)
    for number in range(requests):
        yield environment.timeout(random.expovariate(rate_hz))
        prompt = bisect.bisect(popularity, random.random() * popularity[-1])
        device = int(random.random() * devices)
        environment.process(station.request(number, prompt, device, records))


def batch_mean(values):
    length = len(values) // BATCHES
    values = values[len(values) - BATCHES * length :]
    means = [statistics.fmean(values[batch * length : (batch + 1) * length]) for batch in range(BATCHES)]
    half_width = STUDENT_T_975_19 * statistics.stdev(means) / BATCHES**0.5
    return {"mean": statistics.fmean(means), "half_width": half_width}


def main():
    requests, rate_hz, prompts, zipf_exponent, cache_entries, service_s, squared_cv, airtime_s, devices, device_s = (
        float(argument) for argument in sys.argv[1:]
    )
    requests = int(requests)
    random.seed(1)
    begin = time.perf_counter()
    environment = simpy.Environment()
    station = Station(environment, int(cache_entries), service_s, squared_cv, airtime_s, int(devices), device_s)
    records = [None] * requests
    environment.process(demand(environment, station, requests, rate_hz, int(prompts), zipf_exponent, records))
    environment.run()
    elapsed_s = time.perf_counter() - begin
    hits, waits_s, latencies_s = zip(*records[requests // 20 :])
    numbers = {"hit_rate": hits, "wait_s": waits_s, "latency_s": latencies_s}
    print(json.dumps({"elapsed_s": elapsed_s, **{name: batch_mean(values) for name, values in numbers.items()}}))


if __name__ == "__main__":
    main()

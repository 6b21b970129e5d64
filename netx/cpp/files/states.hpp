// The states of a network by name, in the axes they have in Python.

#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// One state: `<process>.<state>`. Values are in C order of its shape; whole numbers up to 2^53.
class State {
 public:
  template <class Number>
  State(const char* name, std::initializer_list<int> shape,
        std::initializer_list<std::ptrdiff_t> strides, Number* data)
      : name(name), shape(shape) {
    places_ = {0};
    auto stride = strides.begin();
    for (const int n : shape) {
      std::vector<std::ptrdiff_t> finer;
      for (const std::ptrdiff_t place : places_)
        for (int k = 0; k < n; ++k) finer.push_back(place + k * *stride);
      places_ = std::move(finer);
      ++stride;
    }
    get_ = [data](std::ptrdiff_t place) { return static_cast<double>(data[place]); };
    set_ = [data](std::ptrdiff_t place, double value) { data[place] = static_cast<Number>(value); };
  }

  std::vector<double> read() const {
    std::vector<double> values;
    for (const std::ptrdiff_t place : places_) values.push_back(get_(place));
    return values;
  }

  void write(const std::vector<double>& values) const {
    if (values.size() != places_.size())
      throw std::invalid_argument("state " + name + ": has " + std::to_string(places_.size()) +
                                  " values, got " + std::to_string(values.size()));
    for (std::size_t k = 0; k < values.size(); ++k) set_(places_[k], values[k]);
  }

  const std::string name;
  const std::vector<int> shape;

 private:
  std::vector<std::ptrdiff_t> places_;
  std::function<double(std::ptrdiff_t)> get_;
  std::function<void(std::ptrdiff_t, double)> set_;
};

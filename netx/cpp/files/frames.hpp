// Frames in, rows out: raw numbers or .npy, from and to files or streams.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace frames {

using Shape = std::vector<std::size_t>;

inline std::size_t size(const Shape& shape) {
  std::size_t n = 1;
  for (const std::size_t k : shape) n *= k;
  return n;
}

inline std::string shown(const Shape& shape) {
  std::ostringstream out;
  out << "(";
  for (const std::size_t k : shape) out << k << ",";
  out << ")";
  return out.str();
}

/// Reads frame after frame.
///
/// A .npy file holds (time, *frame) or (sample, time, *frame) numbers of any plain type. Anything
/// else is raw numbers of the network's type without a header, sample after sample of `steps` frames
/// if that is not 0. A network without inputs gets the number of its steps in place of a path.
template <class Real>
class Reader {
 public:
  Reader(const std::string& path, const Shape& frame, std::size_t steps)
      : path_(path), frame_(frame), values_(size(frame)), steps_(steps) {
    if (frame.empty()) {
      steps_ = left_ = count(path);
      npy_ = true;
      shape_ = {steps_};
      return;
    }
    if (path != "-") {
      file_.open(path, std::ios::binary);
      if (!file_) fail("cannot be opened");
    }
    const char magic[] = "\x93NUMPY";
    while (ahead_.size() < 6) {  // no further than it may be .npy: a frame can be shorter
      const int letter = in().get();
      if (letter == std::istream::traits_type::eof()) break;
      ahead_.push_back(static_cast<char>(letter));
      if (ahead_.back() != magic[ahead_.size() - 1]) break;
    }
    if (std::string(ahead_.begin(), ahead_.end()) == magic) {
      ahead_.clear();
      read_header();
    } else {
      convert_ = converter<Real>();
      width_ = sizeof(Real);
    }
  }

  /// Whether the input is .npy, and its leading axes, (time) or (sample, time), if so.
  bool npy() const { return npy_; }
  const Shape& lead() const { return shape_; }

  /// Whether the frame just read is the first, or the last, of its sample.
  bool first() const { return steps_ == 0 ? done_ == 1 : (done_ - 1) % steps_ == 0; }
  bool last() const { return steps_ != 0 && done_ % steps_ == 0; }

  /// The next frame; null behind the last.
  const Real* next() {
    if (npy_ && left_ == 0) {
      if (!frame_.empty() && in().peek() != std::istream::traits_type::eof())
        fail("goes on behind its last frame");
      return nullptr;
    }
    if (!frame_.empty() && !read_frame()) return nullptr;
    left_ -= npy_ ? 1 : 0;
    ++done_;
    return values_.data();
  }

 private:
  using Convert = std::function<void(const char*, Real*, std::size_t)>;

  template <class Number>
  static Convert converter() {
    return [](const char* bytes, Real* values, std::size_t n) {
      for (std::size_t k = 0; k < n; ++k) {
        Number number;
        std::memcpy(&number, bytes + k * sizeof number, sizeof number);
        values[k] = static_cast<Real>(number);
      }
    };
  }

  std::istream& in() { return path_ == "-" ? std::cin : file_; }

  [[noreturn]] void fail(const std::string& problem) const {
    throw std::runtime_error((path_ == "-" ? "stdin" : path_) + ": " + problem);
  }

  std::size_t count(const std::string& text) const {
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != text.npos)
      fail("must be a number of steps, for the network has no inputs");
    return std::stoull(text);
  }

  bool read_frame() {
    bytes_.resize(values_.size() * width_);
    const std::size_t before = std::min(ahead_.size(), bytes_.size());
    const auto rest = ahead_.begin() + static_cast<std::ptrdiff_t>(before);
    std::copy(ahead_.begin(), rest, bytes_.begin());
    ahead_.erase(ahead_.begin(), rest);
    in().read(bytes_.data() + before, static_cast<std::streamsize>(bytes_.size() - before));
    const std::size_t got = before + static_cast<std::size_t>(in().gcount());
    if (got == 0 && !npy_) return false;
    if (got < bytes_.size())
      fail("ends within a frame: " + std::to_string(got) + " of " + std::to_string(bytes_.size()) +
           " bytes, for a frame is " + shown(frame_) + " numbers of " + std::to_string(width_));
    convert_(bytes_.data(), values_.data(), values_.size());
    return true;
  }

  void read_header() {
    npy_ = true;
    unsigned char version[2], length[4] = {0, 0, 0, 0};
    in().read(reinterpret_cast<char*>(version), 2);
    in().read(reinterpret_cast<char*>(length), version[0] == 1 ? 2 : 4);
    std::string header(length[0] | length[1] << 8 | length[2] << 16, ' ');
    in().read(header.data(), static_cast<std::streamsize>(header.size()));
    if (!in()) fail("ends within its header");
    if (entry(header, "fortran_order").rfind("False", 0) != 0) fail("is in Fortran's order");
    choose(entry(header, "descr").substr(0, 5));
    std::string numbers = entry(header, "shape");
    numbers = numbers.substr(0, numbers.find(')'));
    for (char& c : numbers) c = c >= '0' && c <= '9' ? c : ' ';
    std::istringstream words(numbers);
    Shape shape;
    for (std::size_t n; words >> n;) shape.push_back(n);
    const std::size_t axes = shape.size() - std::min(shape.size(), frame_.size());
    const auto split = shape.begin() + static_cast<std::ptrdiff_t>(axes);
    if (axes < 1 || axes > 2 || Shape(split, shape.end()) != frame_)
      fail("holds " + shown(shape) + ", not (time, *frame) or (sample, time, *frame) of frames " +
           shown(frame_));
    shape_.assign(shape.begin(), split);
    left_ = size(shape_);
    steps_ = shape_.back();
  }

  /// What follows a key of the header.
  std::string entry(const std::string& header, const std::string& key) const {
    const std::size_t at = header.find("'" + key + "':");
    if (at == header.npos) fail("has a header without '" + key + "'");
    return header.substr(header.find_first_not_of(' ', at + key.size() + 3));
  }

  /// How numbers are read.
  void choose(const std::string& type) {
    if (type == "'<f4'") convert_ = converter<float>();
    else if (type == "'<f8'") convert_ = converter<double>();
    else if (type == "'|u1'" || type == "'|b1'") convert_ = converter<std::uint8_t>();
    else if (type == "'|i1'") convert_ = converter<std::int8_t>();
    else if (type == "'<i2'") convert_ = converter<std::int16_t>();
    else if (type == "'<u2'") convert_ = converter<std::uint16_t>();
    else if (type == "'<i4'") convert_ = converter<std::int32_t>();
    else if (type == "'<i8'") convert_ = converter<std::int64_t>();
    else fail("holds numbers of a type that is not read; those are f4, f8, u1, i1, b1, i2, u2, i4, i8");
    width_ = static_cast<std::size_t>(type[3] - '0');
  }

  std::string path_;
  Shape frame_, shape_;
  std::vector<Real> values_;
  std::vector<char> bytes_, ahead_;
  std::ifstream file_;
  Convert convert_;
  std::size_t steps_, left_ = 0, done_ = 0, width_ = 0;
  bool npy_ = false;
};

/// Writes numbers of the network's type, with a header of .npy if they are given a shape.
template <class Real>
class Writer {
 public:
  Writer(const std::string& path, bool npy, const Shape& shape) : path_(path) {
    if (path != "-") {
      file_.open(path, std::ios::binary);
      if (!file_) throw std::runtime_error(path + ": cannot be written");
    }
    if (!npy) return;
    std::string header = "{'descr': '<f" + std::to_string(sizeof(Real)) +
                         "', 'fortran_order': False, 'shape': " + shown(shape) + ", }";
    header += std::string(63 - (header.size() + 10) % 64, ' ') + "\n";
    const unsigned char start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0,
                                   static_cast<unsigned char>(header.size() & 255),
                                   static_cast<unsigned char>(header.size() >> 8)};
    out().write(reinterpret_cast<const char*>(start), 10);
    out() << header;
  }

  template <class Number>
  void write(const Number* values, std::size_t n) {
    row_.assign(values, values + n);
    out().write(reinterpret_cast<const char*>(row_.data()),
                static_cast<std::streamsize>(n * sizeof(Real)));
  }

  /// Lets what was written be seen at once by who reads a stream.
  void flush() {
    out().flush();
    if (!out()) throw std::runtime_error(path_ + ": cannot be written");
  }

 private:
  std::ostream& out() { return path_ == "-" ? std::cout : file_; }

  std::string path_;
  std::ofstream file_;
  std::vector<Real> row_;
};

}  // namespace frames

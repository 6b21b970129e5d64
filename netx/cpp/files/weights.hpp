// Reading the file of weights. All numbers in it are little-endian:
//
//     bytes 0 to 7     the letters "BIDLCPP1"
//     bytes 8 to 15    how many bytes follow the header
//     bytes 16 to 19   their CRC-32, as zlib and PNG have it
//     bytes 20 to 23   the CRC-32 of the generated code that they belong to
//     from byte 24     arrays in the order of the code, one after another, each in C order

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weights are little-endian numbers, which this machine does not have"
#endif

namespace weights {

inline std::ifstream open(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("weights: cannot open " + path);
  return file;
}

/// Reads arrays one after another, and compares checksums at the end. Other weights of the same
/// network, trained further, fit the same code.
class Reader {
 public:
  Reader(std::istream& file, std::uint64_t bytes, std::uint32_t code) : file_(file) {
    char magic[8];
    read(magic, 8);
    if (std::memcmp(magic, "BIDLCPP1", 8) != 0) fail("is no file of weights");
    std::uint64_t size;
    std::uint32_t owner;
    read(&size, 8), read(&checksum_, 4), read(&owner, 4);
    if (owner != code || size != bytes) fail("belongs to other code: take both from one export");
    for (std::uint32_t k = 0; k < 256; ++k) {
      table_[k] = k;
      for (int bit = 0; bit < 8; ++bit)
        table_[k] = (table_[k] >> 1) ^ (table_[k] & 1 ? 0xEDB88320u : 0u);
    }
  }

  void operator()(void* array, std::size_t size) {
    read(array, size);
    const auto* bytes = static_cast<const unsigned char*>(array);
    for (std::size_t k = 0; k < size; ++k) sum_ = (sum_ >> 8) ^ table_[(sum_ ^ bytes[k]) & 255];
  }

  void finish() {
    if ((sum_ ^ 0xFFFFFFFFu) != checksum_) fail("is damaged: its numbers have another checksum");
    if (file_.peek() != std::istream::traits_type::eof()) fail("is longer than it should be");
  }

 private:
  void read(void* to, std::size_t bytes) {
    file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (!file_) fail("ends too early");
  }

  [[noreturn]] static void fail(const std::string& problem) {
    throw std::runtime_error("weights: the file " + problem);
  }

  std::istream& file_;
  std::uint32_t checksum_ = 0, sum_ = 0xFFFFFFFFu;
  std::array<std::uint32_t, 256> table_{};
};

}  // namespace weights

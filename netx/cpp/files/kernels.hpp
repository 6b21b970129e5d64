// What the generated code calls. It needs a C++17 compiler and its standard library.
//
// Synapses go from source to target: a value that is zero costs one comparison, any other adds its
// weights to a row of targets, which stand side by side in memory. Sums thus have one order, on every
// machine and with every compiler: the bias, then the sources as they stand in memory.

#pragma once

#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#if defined(__FAST_MATH__)
#error "the spikes of the simulator need every operation rounded by itself: leave out -ffast-math"
#endif
static_assert(FLT_EVAL_METHOD == 0, "floats must be rounded to their own type, as with SSE2");

namespace kernels {

// ---- one value ------------------------------------------------------------------------------------

/// 1 where x is above theta, else 0.
template <class Real>
inline Real cmp_and_fire(Real x, Real theta) {
  return x > theta ? Real(1) : Real(0);
}

/// alpha v_0 + beta where x is above theta, else alpha x + beta.
template <class Real>
inline Real reset_with_decay(Real x, Real theta, Real v_0, Real alpha, Real beta) {
  return alpha * (x > theta ? v_0 : x) + beta;
}

/// The quotient of whole numbers, cut downwards.
inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/// What is left then; it has the sign of b.
inline std::int64_t modulo(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

template <class Real>
inline Real modulo(Real a, Real b) {
  const Real rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

template <class Real>
inline Real floor_divide(Real a, Real b) {
  if (b == 0) return a / b;
  const Real quotient = (a - modulo(a, b)) / b;
  const Real below = std::floor(quotient);
  return quotient - below > Real(0.5) ? below + 1 : below;
}

// ---- whole layers ---------------------------------------------------------------------------------

/// Which of up to Most sources in a row are not zero.
template <int Most, class Real>
struct Events {
  int count = 0, source[Most];
  Real value[Most];
  bool ones = true;

  Events(const Real* in, std::ptrdiff_t step, int sources = Most) {
    for (int k = 0; k < sources; ++k) {  // without a branch, which could not be predicted
      source[count] = k;
      value[count] = in[k * step];
      count += in[k * step] != 0 ? 1 : 0;
    }
    for (int e = 0; e < count; ++e) ones &= value[e] == 1;
  }
};

/// Adds the weights of each event to a row of targets, one event after another.
template <int Most, class Real>
inline void add(Real* __restrict row, const Real* __restrict weights, int targets,
                std::ptrdiff_t by_source, const Events<Most, Real>& events) {
  const Real* v = events.value;
  const auto from = [&](int e) { return weights + events.source[e] * by_source; };
  int e = 0;
  if constexpr (Most >= 4)
    for (; e + 4 <= events.count; e += 4) {
      const Real *a = from(e), *b = from(e + 1), *c = from(e + 2), *d = from(e + 3);
      if (events.ones)
        for (int k = 0; k < targets; ++k) row[k] = row[k] + a[k] + b[k] + c[k] + d[k];
      else
        for (int k = 0; k < targets; ++k)
          row[k] = row[k] + a[k] * v[e] + b[k] * v[e + 1] + c[k] * v[e + 2] + d[k] * v[e + 3];
    }
  if constexpr (Most >= 2)
    if (e + 2 <= events.count) {
      const Real *a = from(e), *b = from(e + 1);
      for (int k = 0; k < targets; ++k) row[k] = row[k] + a[k] * v[e] + b[k] * v[e + 1];
      e += 2;
    }
  if (e < events.count) {
    const Real* a = from(e);
    for (int k = 0; k < targets; ++k) row[k] = row[k] + a[k] * v[e];
  }
}

/// Sums begin with the bias of their channel, or with zero; channels are the last axis.
template <int Channels, class Real>
inline void begin_with(const Real* bias, std::ptrdiff_t pixels, Real* out) {
  for (std::ptrdiff_t i = 0; i < pixels; ++i)
    for (int k = 0; k < Channels; ++k) out[i * Channels + k] = bias ? bias[k] : Real(0);
}

/// A dense layer; weights are In x Out.
template <int In, int Out, class Real>
inline void linear(const Real* in, const Real* weights, const Real* bias, Real* out) {
  constexpr int most = In < 256 ? In : 256;
  begin_with<Out>(bias, 1, out);
  for (int i = 0; i < In; i += most) {
    const Events<most, Real> events(in + i, 1, In - i < most ? In - i : most);
    add(out, weights + std::ptrdiff_t(i) * Out, Out, Out, events);
  }
}

/// A layer with few of its connections: source i has those from offsets[i] to offsets[i + 1].
template <int In, int Out, class Real>
inline void sparse_linear(const Real* in, const std::int64_t* offsets, const std::int32_t* targets,
                          const Real* weights, const Real* bias, Real* out) {
  begin_with<Out>(bias, 1, out);
  for (int i = 0; i < In; ++i)
    if (in[i] != 0)
      for (std::int64_t j = offsets[i]; j < offsets[i + 1]; ++j)
        out[targets[j]] += weights[j] * in[i];
}

/// The size of an image, and how far apart neighbours stand in memory along each axis.
template <int Channels, int Height, int Width, int ByChannel, int ByRow, int ByColumn>
struct Image {
  static constexpr int channels = Channels, height = Height, width = Width;
  static constexpr std::ptrdiff_t by_channel = ByChannel, by_row = ByRow, by_column = ByColumn;
};

/// A window that moves over an image, each number downwards and across.
template <int Height, int Width, int StrideY, int StrideX, int PadY, int PadX>
struct Window {
  static constexpr int height = Height, width = Width, stride_y = StrideY, stride_x = StrideX,
                       pad_y = PadY, pad_x = PadX;
};

/// Visits each pixel with its channels that are not zero, group by group:
/// visit(row, column, group, events).
template <class In, int Groups, class Real, class Visit>
inline void each_pixel(const Real* in, Visit visit) {
  constexpr int sources = In::channels / Groups;
  for (int y = 0; y < In::height; ++y)
    for (int x = 0; x < In::width; ++x)
      for (int group = 0; group < Groups; ++group) {
        const Real* pixel = in + y * In::by_row + x * In::by_column + group * sources * In::by_channel;
        const Events<sources, Real> events(pixel, In::by_channel);
        if (events.count) visit(y, x, group, events);
      }
}

/// Adds events to `columns` pixels of an output row, from `first` on; those beyond its ends are left out.
template <class Out, int Groups, int Most, class Real>
inline void add_columns(Real* row, int first, int columns, const Real* weights,
                        std::ptrdiff_t by_source, const Events<Most, Real>& events) {
  constexpr int targets = Out::channels / Groups;
  const int begin = first < 0 ? -first : 0;
  const int end = first + columns > Out::width ? Out::width - first : columns;
  if (begin >= end) return;
  if constexpr (Groups == 1)
    add(row + (first + begin) * Out::by_column, weights + begin * targets, (end - begin) * targets,
        by_source, events);
  else
    for (int k = begin; k < end; ++k)
      add(row + (first + k) * Out::by_column, weights + k * targets, targets, by_source, events);
}

/// A convolution. Weights are In::channels x height x width x channels of a group; of the width, every
/// stride-th column from the first, then from the second, ..., each time the last one first: so they
/// stand as the output pixels do that one input pixel meets.
template <class In, class Out, class Kernel, int Groups, class Real>
inline void conv(const Real* in, const Real* weights, const Real* bias, Real* out) {
  constexpr int targets = Out::channels / Groups, sources = In::channels / Groups;
  constexpr int stride = Kernel::stride_x, by_row = Kernel::width * targets;
  constexpr std::ptrdiff_t by_source = std::ptrdiff_t(Kernel::height) * by_row;
  begin_with<Out::channels>(bias, std::ptrdiff_t(Out::height) * Out::width, out);
  each_pixel<In, Groups>(in, [&](int y, int x, int group, const Events<sources, Real>& events) {
    const int part = (x + Kernel::pad_x) % stride, last = (x + Kernel::pad_x) / stride;
    int before = 0;
    for (int k = 0; k < part; ++k) before += (Kernel::width - k + stride - 1) / stride;
    const int columns = (Kernel::width - part + stride - 1) / stride;
    for (int i = 0; i < Kernel::height; ++i) {
      const int down = y + Kernel::pad_y - i, row = down / Kernel::stride_y;
      if (down < 0 || down % Kernel::stride_y != 0 || row >= Out::height) continue;
      add_columns<Out, Groups>(
          out + row * Out::by_row + group * targets, last - columns + 1, columns,
          weights + group * sources * by_source + i * by_row + before * targets, by_source, events);
    }
  });
}

/// Its transpose; of the width, the columns stand in order.
template <class In, class Out, class Kernel, int Groups, class Real>
inline void conv_transpose(const Real* in, const Real* weights, const Real* bias, Real* out) {
  constexpr int targets = Out::channels / Groups, sources = In::channels / Groups;
  constexpr int by_row = Kernel::width * targets;
  constexpr std::ptrdiff_t by_source = std::ptrdiff_t(Kernel::height) * by_row;
  begin_with<Out::channels>(bias, std::ptrdiff_t(Out::height) * Out::width, out);
  each_pixel<In, Groups>(in, [&](int y, int x, int group, const Events<sources, Real>& events) {
    for (int i = 0; i < Kernel::height; ++i) {
      const int row = y * Kernel::stride_y - Kernel::pad_y + i;
      if (row < 0 || row >= Out::height) continue;
      add_columns<Out, Groups>(out + row * Out::by_row + group * targets,
                               x * Kernel::stride_x - Kernel::pad_x, Kernel::width,
                               weights + group * sources * by_source + i * by_row, by_source, events);
    }
  });
}

/// Visits the pixels of the image that each window covers: out[pixel] = join(out[pixel], in[pixel]).
template <class In, class Out, class Kernel, class Real, class Join>
inline void pool(const Real* in, Real* out, Real start, Join join) {
  for (int row = 0; row < Out::height; ++row)
    for (int column = 0; column < Out::width; ++column) {
      Real* pixel = out + row * Out::by_row + column * Out::by_column;
      for (int k = 0; k < Out::channels; ++k) pixel[k] = start;
      for (int i = 0; i < Kernel::height; ++i) {
        const int y = row * Kernel::stride_y - Kernel::pad_y + i;
        if (y < 0 || y >= In::height) continue;
        for (int j = 0; j < Kernel::width; ++j) {
          const int x = column * Kernel::stride_x - Kernel::pad_x + j;
          if (x < 0 || x >= In::width) continue;
          const Real* seen = in + y * In::by_row + x * In::by_column;
          for (int k = 0; k < Out::channels; ++k) pixel[k] = join(pixel[k], seen[k * In::by_channel]);
        }
      }
    }
}

/// Means; the zeros of the padding count.
template <class In, class Out, class Kernel, class Real>
inline void avg_pool(const Real* in, Real* out) {
  pool<In, Out, Kernel>(in, out, Real(0), [](Real sum, Real value) { return sum + value; });
  const std::ptrdiff_t size = std::ptrdiff_t(Out::channels) * Out::height * Out::width;
  for (std::ptrdiff_t i = 0; i < size; ++i) out[i] /= Real(Kernel::height * Kernel::width);
}

/// The largest values.
template <class In, class Out, class Kernel, class Real>
inline void max_pool(const Real* in, Real* out) {
  pool<In, Out, Kernel>(in, out, -std::numeric_limits<Real>::infinity(),
                        [](Real most, Real value) { return value > most ? value : most; });
}

}  // namespace kernels

// From sums to codes: how many thresholds are not above an integer.
#include <algorithm>

#include "graph/run.h"

namespace tabulae {
namespace {

constexpr int64_t kFew = 64;  // levels that are all compared, 16 channels at once; of more, half are left out each time

// How many of n ascending thresholds are <= x; nothing is guessed, so nothing is guessed wrongly.
int32_t count_sorted(const int32_t* thresholds, int64_t n, int32_t x) {
  const int32_t* begin = thresholds;
  for (; n > 1; n -= n / 2) begin += begin[n / 2 - 1] <= x ? n / 2 : 0;
  return static_cast<int32_t>(begin - thresholds) + (*begin <= x);
}

class Encode final : public Operation {
 public:
  Encode(const Fields& fields, Model& model) : input_(fields.index("input")), out_(fields.index("out")) {
    model.same_shape(input_, out_);
    channels_ = model.value(out_).channels();
    const Array& array = model.array(fields.index("thresholds"), {channels_, kAny});
    levels_ = array.shape[1];
    for (int64_t c = 0; c < channels_; ++c) {
      const auto first = array.numbers.begin() + c * levels_;
      require(std::is_sorted(first, first + levels_), "encode", "thresholds must ascend");
    }
    thresholds_ = levels_ <= kFew ? blocks(array.numbers) : array.numbers;
  }

  void stages(Stages& to) const override {
    to.each_point(out_, std::min(levels_, kFew), [this](Run& run, int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int32_t* x = run.row<int32_t>(input_, 0) + i * channels_;
        int32_t* out = run.row<int32_t>(out_, 0) + i * channels_;
        if (levels_ <= kFew)
          run.kernels.count(thresholds_.data(), levels_, x, channels_, out);
        else
          for (int64_t c = 0; c < channels_; ++c)
            out[c] = count_sorted(thresholds_.data() + c * levels_, levels_, x[c]);
      }
    });
  }

 private:
  // As the kernel reads them: [blocks of 16 channels][levels][16].
  std::vector<int32_t> blocks(const std::vector<int32_t>& given) const {
    constexpr int64_t kBlockOf = 16;
    std::vector<int32_t> made(ceil_div(channels_, kBlockOf) * kBlockOf * levels_);
    for (int64_t c = 0; c < channels_; ++c)
      for (int64_t k = 0; k < levels_; ++k)
        made[(c / kBlockOf * levels_ + k) * kBlockOf + c % kBlockOf] = given[c * levels_ + k];
    return made;
  }

  int input_, out_;
  int64_t channels_, levels_;
  std::vector<int32_t> thresholds_;
};

const Registered<Encode> kRegistered("encode");

}  // namespace
}  // namespace tabulae

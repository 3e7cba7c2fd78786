#pragma once

#include <array>

namespace zsr {

using Vector3 = std::array<double, 3>;
using Matrix3 = std::array<Vector3, 3>;  ///< Rows.

Vector3 operator*(const Matrix3& m, const Vector3& v);
Matrix3 operator*(const Matrix3& a, const Matrix3& b);
/// All zero where there is none.
Matrix3 inverse(const Matrix3& m);

/// CIE 1931 x and y of white, red, green and blue.
using Chromaticities = std::array<double, 8>;

/// The colour of chromaticity x, y whose Y is 1.
Vector3 xyz_of(double x, double y);
/// From linear RGB of these primaries to XYZ, so that equal channels give their white.
Matrix3 rgb_to_xyz(const Chromaticities& colors);
/// What makes the white `from` the white `to`, both XYZ, in the cone space of Bradford.
Matrix3 white_adaptation(const Vector3& from, const Vector3& to);
/// From linear RGB of one set of primaries to that of another, the white of one becoming that of the other (Bradford).
Matrix3 rgb_to_rgb(const Chromaticities& from, const Chromaticities& to);
/// Whether they lie where chromaticities can lie and span colours.
bool is_possible(const Chromaticities& colors);

}  // namespace zsr

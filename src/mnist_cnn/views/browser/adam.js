// The optimizer Adam, with the settings of Keras: Kingma and Ba, "Adam: A Method for Stochastic
// Optimization", arXiv 1412.6980

const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-7;

/**
 * Make the function that takes a step: it changes the values of all parameters by their gradients.
 */
export function adam(parameters, learningRate) {
  const averages = parameters.map(({ values }) => ({
    mean: new Float32Array(values.length), // of the gradients
    square: new Float32Array(values.length), // the mean of their squares
  }));
  let steps = 0;
  return function takeStep() {
    steps++;
    // The means began at 0, and are too small at first
    const rate = (learningRate * Math.sqrt(1 - BETA_2 ** steps)) / (1 - BETA_1 ** steps);
    parameters.forEach(({ values, gradient }, number) => {
      const { mean, square } = averages[number];
      for (let i = 0; i < values.length; i++) {
        mean[i] += (1 - BETA_1) * (gradient[i] - mean[i]);
        square[i] += (1 - BETA_2) * (gradient[i] ** 2 - square[i]);
        values[i] -= (rate * mean[i]) / (Math.sqrt(square[i]) + EPSILON);
      }
    });
  };
}
